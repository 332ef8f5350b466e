public import struct NIOCore.ByteBuffer

/// Encodes messages in the documented key order (Protocol §3.4) straight into bytes. The broker calls these with its own
/// data, so that no intermediate value is built.
extension ServerMessage {
  /// The name of the broker in every message; clients ignore messages whose `userAgent` does not contain "WWE".
  public static let userAgent = "WWE Server"

  /// Appends a response; the closure writes its data.
  public static func writeResponse(
    to referenceID: ReferenceID?, in workspaceID: WorkspaceID? = nil, at position: StreamPosition? = nil,
    into buffer: inout ByteBuffer, writeData: (inout ByteBuffer) -> Void
  ) {
    buffer.beginJSONObject()
    buffer.writeReferenceID(referenceID)
    buffer.writeJSONMember("data", writeValue: writeData)
    buffer.writeSender()
    buffer.writeJSONMember("workspaceId", workspaceID?.text)
    buffer.writePosition(position)
    buffer.endJSONObject()
  }

  /// Appends the answer to a subscribe.
  public static func writeSubscribed(
    to referenceID: ReferenceID?, _ result: SubscribeResult, into buffer: inout ByteBuffer
  ) {
    buffer.beginJSONObject()
    buffer.writeReferenceID(referenceID)
    buffer.writeJSONMember("subscriptionId", result.subscriptionID.text)
    buffer.writeSender()
    buffer.writeJSONMember("durable", result.durable?.text)
    if let recovered = result.recovered { buffer.writeJSONMember("recovered", recovered) }
    buffer.writePosition(result.position)
    buffer.endJSONObject()
  }

  /// Appends a failure.
  public static func writeFailure(
    to referenceID: ReferenceID?, code: String, message: String, in workspaceID: WorkspaceID? = nil,
    at position: StreamPosition? = nil, into buffer: inout ByteBuffer
  ) {
    buffer.beginJSONObject()
    buffer.writeReferenceID(referenceID)
    buffer.writeJSONMember("errorMessage", message)
    buffer.writeJSONMember("errorCode", code)
    buffer.writeSender()
    buffer.writeJSONMember("workspaceId", workspaceID?.text)
    buffer.writePosition(position)
    buffer.endJSONObject()
  }

  /// Appends an event; the closure writes its data.
  public static func writeEvent(
    _ name: String, _ labels: EventLabels, into buffer: inout ByteBuffer, writeData: (inout ByteBuffer) -> Void
  ) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("event", name)
    buffer.writeJSONMember("data", writeValue: writeData)
    buffer.writeSender()
    buffer.writeJSONMember("workspaceId", labels.workspaceID?.text)
    buffer.writePosition(labels.position)
    if let delivery = labels.delivery { buffer.writeJSONMember("delivery", Int64(delivery)) }
    buffer.endJSONObject()
  }

  /// Appends this message as JSON.
  public func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .response(let referenceID, let data, let workspaceID, let position):
      Self.writeResponse(to: referenceID, in: workspaceID, at: position, into: &buffer) { $0.writeJSON(data) }
    case .subscribed(let referenceID, let result):
      Self.writeSubscribed(to: referenceID, result, into: &buffer)
    case .failure(let referenceID, let code, let message, let workspaceID, let position):
      Self.writeFailure(to: referenceID, code: code, message: message, in: workspaceID, at: position, into: &buffer)
    case .event(let name, let data, let labels):
      Self.writeEvent(name, labels, into: &buffer) { $0.writeJSON(data) }
    }
  }
}

extension ByteBuffer {
  fileprivate mutating func writeReferenceID(_ referenceID: ReferenceID?) {
    guard let referenceID else { return }
    writeJSONMember("referenceId", referenceID.json)
  }

  /// Who says it; the two members that every message has: ``ServerMessage/userAgent`` and ``protocolVersion``, as one text
  /// because every message has it.
  fileprivate mutating func writeSender() {
    writeStaticString(#""userAgent":"WWE Server","protocolVersion":2,"#)
  }

  fileprivate mutating func writePosition(_ position: StreamPosition?) {
    guard let position else { return }
    writeJSONMember("offset", Int64(position.offset))
    writeJSONMember("epoch", position.epoch)
  }
}
