import CasebusConsole
import CasebusProtocol

/// A person who calls, chats or writes. Numbers and addresses are from ranges reserved for fiction.
struct Customer {
  let name: String
  let id: String
  let phoneNumber: String
  let emailAddress: String
  let segment: String
  let language: String

  init(using random: inout SplitMix64) {
    let (name, account, language) = Self.people.randomElement(using: &random)!
    self.name = name
    self.language = language
    id = "C-\(Int.random(in: 10_000...99_999, using: &random))"
    phoneNumber = "+1\(Self.areaCodes.randomElement(using: &random)!)5550\(Int.random(in: 100...199, using: &random))"
    emailAddress = "\(account)@example.com"
    segment = Self.segments.randomElement(using: &random)!
  }

  private static let people = [
    ("Anna Keller", "anna.keller", "de"), ("Zoë Müller", "zoe.mueller", "de"), ("Jürg Brönnimann", "j.broe", "de"),
    ("José Álvarez", "jose.alvarez", "es"), ("Lucía Ibáñez", "lucia.i", "es"), ("Chloé Lefèvre", "chloe", "fr"),
    ("Łukasz Wójcik", "lukasz.w", "pl"), ("Søren Østergård", "soren.o", "da"), ("Αλέξανδρος Νικολάου", "alexn", "el"),
    ("李娜", "li.na", "zh"), ("佐藤 健", "sato.ken", "ja"), ("فاطمة الزهراء", "fatima.z", "ar"),
    ("Grace O’Neill", "grace.oneill", "en"), ("Marcus Webb", "m.webb", "en"), ("Priya Raman", "priya.r", "en"),
    ("Samuel Okafor", "s.okafor", "en"), ("Emily Carter", "emily.carter", "en"), ("Tom Baker", "tom.baker", "en"),
  ]
  private static let areaCodes = ["212", "312", "415", "617", "702"]
  private static let segments = ["bronze", "silver", "gold", "gold", "platinum"]
}
