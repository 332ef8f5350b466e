import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

/// `Protocol/vectors/client-messages.json`, each of them.
@Suite struct ClientMessageVectorTests {
  static let vectors: [JSONValue] = try! ProtocolFile.json("vectors/client-messages.json").arrayValue!

  @Test func thereAreVectors() {
    #expect(Self.vectors.count > 100)
  }

  @Test(arguments: vectors.filter { $0["message"] != nil })
  func goodMessageIsDecoded(_ vector: JSONValue) throws {
    let message = try ClientMessage(decoding: ByteBuffer(string: vector["input"]!.stringValue!))
    #expect(message.canonical == vector["message"])
  }

  @Test(arguments: vectors.filter { $0["failure"] != nil })
  func badMessageFails(_ vector: JSONValue) throws {
    let failure = try #require(throws: MessageFailure.self) {
      _ = try ClientMessage(decoding: ByteBuffer(string: vector["input"]!.stringValue!))
    }
    let expected = try #require(vector["failure"])
    #expect(failure.failure.code.rawValue == expected["code"]?.stringValue)
    #expect(failure.referenceID?.json == expected["referenceId"])
    if case .number(let position) = expected["position"], position.integer != 0 {
      #expect(failure.failure.message.hasSuffix("at byte \(position.text)"), "\(failure.failure.message)")
    }
  }
}

extension ClientMessage {
  /// The form that the vectors give messages in.
  var canonical: JSONValue {
    var object: JSONObject =
      switch content {
      case .subscribe(let names):
        ["type": "subscribe", "events": .array(names.map { .string($0.description) })]
      case .unsubscribe(let id): ["type": "unsubscribe", "subscriptionId": .string(id.text)]
      case .publish(let name, let data): ["type": "publish", "event": .string(name.description), "data": data]
      case .request(let name, let parameters):
        ["type": "request", "name": .string(name), "parameters": .array(parameters)]
      }
    object["referenceId"] = referenceID?.json
    return .object(object)
  }
}
