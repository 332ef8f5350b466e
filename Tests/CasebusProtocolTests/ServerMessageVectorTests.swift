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
    case "response":
      self = .response(
        reference, data: canonical["data"]!, workspaceID: canonical.workspaceID, position: canonical.position)
    case "subscribed":
      self = .subscribed(
        reference,
        SubscribeResult(
          SubscriptionID(canonical["subscriptionId"]!.stringValue!),
          durable: canonical["durable"]?.stringValue.flatMap(ConsumerName.init),
          recovered: canonical["recovered"]?.booleanValue, position: canonical.position))
    case "failure":
      self = .failure(
        reference, code: canonical["code"]!.stringValue!, message: canonical["message"]!.stringValue!,
        workspaceID: canonical.workspaceID, position: canonical.position)
    case "event":
      self = .event(
        name: canonical["event"]!.stringValue!, data: canonical["data"]!,
        EventLabels(
          workspaceID: canonical.workspaceID, position: canonical.position,
          delivery: canonical["delivery"]?.integer))
    default: return nil
    }
  }
}

extension JSONValue {
  fileprivate var integer: Int? {
    if case .number(let number) = self { number.integer } else { nil }
  }

  fileprivate var workspaceID: WorkspaceID? { self["workspaceId"]?.stringValue.flatMap(WorkspaceID.init) }

  fileprivate var position: StreamPosition? {
    guard let epoch = self["epoch"]?.stringValue, let offset = self["offset"]?.integer else { return nil }
    return StreamPosition(offset: UInt64(offset), epoch: epoch)
  }
}
