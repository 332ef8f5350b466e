import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

/// `Protocol/vectors/transcripts`: whole conversations, byte for byte.
@Suite struct TranscriptTests {
  static let names = try! ProtocolFile.names(in: "vectors/transcripts").filter { $0.hasSuffix(".json") }

  @Test func thereAreTranscripts() {
    #expect(Self.names.count > 18)
  }

  @Test(arguments: names)
  func conversationIsAsWritten(_ name: String) throws {
    let transcript = try ProtocolFile.json("vectors/transcripts/\(name)")
    var player = TranscriptPlayer(clients: transcript["clients"]!.arrayValue!)
    for (number, step) in transcript["steps"]!.arrayValue!.enumerated() {
      try player.play(step, "\(name), step \(number + 1)")
    }
  }
}

/// Plays the steps of one transcript against a broker of its own.
struct TranscriptPlayer {
  private let broker = TestBroker()
  private var clients: [String: TestClient] = [:]
  /// What the broker made up, by the placeholders that stand for it.
  private var placeholders: [String: String] = [:]

  init(clients: [JSONValue]) {
    for client in clients {
      let name = client.stringValue ?? client["name"]!.stringValue!
      self.clients[name] = broker.connect(client["workspace"]?.stringValue)
    }
  }

  mutating func play(_ step: JSONValue, _ place: String) throws {
    if let name = step["client"]?.stringValue {
      let text = step["send"]!.stringValue ?? step["send"]!.jsonText
      clients[name]!.send(substituted(text))
    } else if let name = step["disconnect"]?.stringValue {
      clients[name]!.disconnect()
    } else if case .number(let milliseconds) = step["advanceMilliseconds"] {
      broker.advance(milliseconds: Int64(milliseconds.integer!))
    }
    broker.letMonitorsCatchUp()
    // A connection that the broker closes is gone soon after.
    for client in clients.values where client.sink.closed != nil { client.disconnect() }
    for (name, client) in clients {
      let expected = step["expect"]?[name]?.arrayValue?.map { $0.stringValue! } ?? []
      check(client.received(), against: expected, "\(place), client \(name)")
      if case .number(let code) = step["closes"]?[name] {
        #expect(client.sink.closed?.code.rawValue == UInt16(code.integer!), "\(place)")
      }
    }
  }

  private mutating func check(_ received: [String], against expected: [String], _ place: String) {
    #expect(received.count == expected.count, "\(place): received \(received), expected \(expected)")
    for (text, pattern) in zip(received, expected) {
      capture(from: text, pattern)
      // By the bytes: `==` of two texts asks whether they look the same.
      #expect(Identifier(withoutFreeParts(text, pattern)) == Identifier(substituted(pattern)), "\(place)")
    }
  }

  /// Remembers the identifier that the broker made for a subscription, and the name of an epoch.
  private mutating func capture(from text: String, _ pattern: String) {
    guard let message = try? JSONValue(parsing: text), let expected = try? JSONValue(parsing: pattern) else { return }
    for member in ["subscriptionId", "epoch"] {
      guard let value = message[member]?.stringValue, let placeholder = expected[member]?.stringValue,
        placeholder.hasPrefix("${"), placeholders[placeholder] == nil
      else { continue }
      placeholders[placeholder] = value
    }
  }

  private func substituted(_ text: String) -> String {
    placeholders.reduce(into: text) { $0 = $0.replacing($1.key, with: $1.value) }
  }

  /// The texts of errors are free, and so are times: where the pattern says so, they are left out of the comparison.
  private func withoutFreeParts(_ text: String, _ pattern: String) -> String {
    var text = text
    if pattern.contains("${any}"), let message = try? JSONValue(parsing: text)["errorMessage"] {
      text = text.replacing("\"errorMessage\":\(message.jsonText)", with: "\"errorMessage\":\"${any}\"")
    }
    guard pattern.contains("${time}") else { return text }
    return text.replacing(/"time":[1-9][0-9]{12}/, with: "\"time\":\"${time}\"")
  }
}
