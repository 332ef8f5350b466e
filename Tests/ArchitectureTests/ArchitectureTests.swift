import Foundation
import Testing

/// The targets of Docs/internals/architecture.md: arrows point down, siblings never import each other, and each C module
/// has one owner.
@Suite struct ArchitectureTests {
  /// Which level a target is on; a target may import those of lower levels only.
  static let levels: [String: Int] = [
    "CasebusProtocol": 0, "CasebusWebSocket": 0, "CasebusSocket": 0,
    "CasebusWorkspace": 1, "CasebusAccess": 1, "CasebusJournal": 1, "CasebusDeflate": 1, "CasebusTLS": 1,
    "CasebusTransport": 2, "CasebusSQLite": 2, "CasebusJetStream": 2,
    "CasebusBroker": 3, "CasebusClient": 3, "CasebusDashboard": 3,
    "CasebusServer": 4, "CasebusConsole": 4,
    "casebus": 5, "casebus-devtools": 5,
  ]

  /// Arrows that point down and are nevertheless not there: the broker knows no transport and no database.
  static let forbidden: [String: Set<String>] = [
    "CasebusBroker": ["CasebusTransport", "CasebusSQLite", "CasebusJetStream"],
    "CasebusClient": ["CasebusWorkspace", "CasebusJournal"],
  ]

  /// The only target that may import a C module, or the database.
  static let owners = [
    "CMalloc": "CasebusServer", "CZlib": "CasebusDeflate", "COpenSSL": "CasebusTLS", "CNATS": "CasebusJetStream",
    "CPrefetch": "CasebusBroker", "GRDB": "CasebusSQLite", "GRDBSQLite": "CasebusSQLite",
  ]

  static let imports: [Import] = try! Import.all()

  @Test func thereAreImports() {
    #expect(Self.imports.count > 100)
    #expect(Set(Self.imports.map(\.target)).isSubset(of: Set(Self.levels.keys).union(Self.owners.keys)))
  }

  @Test func arrowsPointDown() {
    for use in Self.imports {
      guard let from = Self.levels[use.target], let to = Self.levels[use.module] else { continue }
      #expect(to < from, "\(use)")
      #expect(Self.forbidden[use.target]?.contains(use.module) != true, "\(use)")
    }
  }

  @Test func eachCModuleHasOneOwner() {
    for use in Self.imports {
      guard let owner = Self.owners[use.module] else { continue }
      #expect(use.target == owner, "\(use)")
    }
  }

  /// Level 0, and the state machine: no I/O, no clock, no random numbers, of NIO only the bytes.
  @Test func pureTargetsImportNothingThatActs() {
    let pure: Set = ["CasebusProtocol", "CasebusWebSocket", "CasebusWorkspace", "CasebusAccess"]
    let allowed = Set(Self.levels.keys).union(["OrderedCollections", "struct NIOCore.ByteBuffer"])
    for use in Self.imports where pure.contains(use.target) {
      #expect(allowed.contains(use.module), "\(use)")
    }
  }

  @Test func belowTheTransportOnlyTheBytesOfNIOAreUsed() {
    let shells: Set = ["CasebusSocket", "CasebusTLS"]
    for use in Self.imports where Self.levels[use.target]! < 2 && !shells.contains(use.target) {
      #expect(!use.module.hasPrefix("NIO"), "\(use)")
    }
  }

  @Test func theBrokerRunsWithoutTheWholeOfFoundation() {
    #expect(!Self.imports.contains { $0.module == "Foundation" })
  }
}

/// One import line of the sources.
struct Import: CustomStringConvertible {
  var target: String
  var file: String
  var module: String

  var description: String { "\(file) imports \(module)" }

  static func all() throws -> [Import] {
    let sources = #filePath.components(separatedBy: "/Tests/")[0] + "/Sources"
    let files = FileManager.default.subpaths(atPath: sources)!.filter { $0.hasSuffix(".swift") }
    return try files.flatMap { file in
      let text = String(decoding: try Data(contentsOf: URL(filePath: "\(sources)/\(file)")), as: UTF8.self)
      return text.split(separator: "\n").compactMap { module(in: $0) }
        .map { Import(target: file.components(separatedBy: "/")[0], file: file, module: $0) }
    }
  }

  private static func module(in line: Substring) -> String? {
    let words = line.split(separator: " ")
    guard let index = words.firstIndex(of: "import"), index <= 2, words.prefix(index).allSatisfy(isModifier) else {
      return nil
    }
    return words[(index + 1)...].joined(separator: " ")
  }

  private static func isModifier(_ word: Substring) -> Bool {
    ["public", "internal", "package", "private", "fileprivate"].contains(word) || word.hasPrefix("@")
  }
}
