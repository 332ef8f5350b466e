import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Testing

/// `Protocol/vectors/server-messages.json`, each of them, in both directions.
@Suite struct ServerMessageVectorTests {
  static let vectors: [JSONValue] = try! ProtocolFile.json("vectors/server-messages.json").arrayValue!

  @Test func thereAreVectors() {
    #expect(Self.vectors.count > 20)
  }

  @Test(arguments: vectors)
  func messageIsEncodedByteForByte(_ vector: JSONValue) throws {
    var buffer = ByteBuffer()
    try #require(ServerMessage(canonical: vector["message"]!)).encode(into: &buffer)
    #expect(String(buffer: buffer) == vector["output"]?.stringValue)
  }

  @Test(arguments: vectors)
  func messageIsDecoded(_ vector: JSONValue) throws {
    let message = try ServerMessage(decoding: ByteBuffer(string: vector["output"]!.stringValue!))
    #expect(message == ServerMessage(canonical: vector["message"]!))
  }

  @Test(arguments: ["", "[]", "{}", #"{"referenceId":"1"}"#, #"{"event":7}"#, "nonsense"])
  func whatIsNoMessageFails(_ text: String) {
    #expect(throws: Failure.self) { try ServerMessage(decoding: ByteBuffer(string: text)) }
  }
}

extension ServerMessage {
  init?(canonical: JSONValue) {
    let reference: ReferenceID? =
      switch canonical["referenceId"] {
      case .string(let text): .string(text)
      case .number(let number): .number(number)
      case .boolean(let flag): .boolean(flag)
      default: nil
      }
    switch canonical["type"] {
    case "response": self = .response(reference, data: canonical["data"]!)
    case "subscribed": self = .subscribed(reference, SubscriptionID(canonical["subscriptionId"]!.stringValue!))
    case "failure":
      self = .failure(
        reference, code: canonical["code"]!.stringValue!, message: canonical["message"]!.stringValue!)
    case "event":
      self = .event(
        name: canonical["event"]!.stringValue!, data: canonical["data"]!,
        workspaceID: canonical["workspaceId"]?.stringValue)
    default: return nil
    }
  }
}
