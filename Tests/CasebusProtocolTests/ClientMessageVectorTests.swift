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
    if case .number(let position) = expected["position"] {
      #expect(failure.failure.message.hasSuffix("at byte \(position.text)"), "\(failure.failure.message)")
    }
  }
}

extension ClientMessage {
  /// The form that the vectors give messages in.
  var canonical: JSONValue {
    var object: JSONObject =
      switch content {
      case .subscribe(let options): options.canonical
      case .unsubscribe(let id): ["type": "unsubscribe", "subscriptionId": .string(id.text)]
      case .publish(let name, let data): ["type": "publish", "event": .string(name.description), "data": data.value]
      case .request(let request):
        ["type": "request", "name": .string(request.name.text), "parameters": .array(request.parameters)]
      case .acknowledge(nil, let offset): ["type": "ack", "offset": .number(JSONNumber(offset))]
      case .acknowledge(let workspace?, let offset):
        ["type": "ack", "workspaceId": .string(workspace.text), "offset": .number(JSONNumber(offset))]
      }
    if let workspaceID { object["workspaceId"] = .string(workspaceID.text) }
    object["referenceId"] = referenceID?.json
    object["messageId"] = messageID.map { .string($0.text) }
    return .object(object)
  }
}

extension SubscribeOptions {
  var canonical: JSONObject {
    var object: JSONObject = ["type": "subscribe", "events": .array(names.map { .string($0.description) })]
    if wantsPositions { object["positions"] = true }
    switch since {
    case nil: break
    case .beginning: object["since"] = "beginning"
    case .after(let position):
      object["since"] = ["epoch": .string(position.epoch), "offset": .number(JSONNumber(position.offset))]
    }
    object["durable"] = durable.map { .string($0.text) }
    return object
  }
}
