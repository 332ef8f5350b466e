public import struct NIOCore.ByteBuffer

/// Encoding in the documented key order (Protocol §3.4), straight into bytes. The broker uses these with the data it
/// has, so that nothing is built first only to be encoded.
extension ServerMessage {
  /// The name of the broker in every message; clients ignore messages whose `userAgent` does not contain "WWE".
  public static let userAgent = "WWE Server"

  /// Appends a response; the closure writes its data.
  public static func writeResponse(
    to referenceID: ReferenceID?, into buffer: inout ByteBuffer, writeData: (inout ByteBuffer) -> Void
  ) {
    buffer.beginJSONObject()
    buffer.writeReferenceID(referenceID)
    buffer.writeJSONMember("data", writeValue: writeData)
    buffer.writeEnvelopeEnd()
  }

  /// Appends the answer to a subscribe.
  public static func writeSubscribed(
    to referenceID: ReferenceID?, _ subscriptionID: SubscriptionID, into buffer: inout ByteBuffer
  ) {
    buffer.beginJSONObject()
    buffer.writeReferenceID(referenceID)
    buffer.writeJSONMember("subscriptionId", subscriptionID.text)
    buffer.writeEnvelopeEnd()
  }

  /// Appends a failure.
  public static func writeFailure(
    to referenceID: ReferenceID?, code: String, message: String, into buffer: inout ByteBuffer
  ) {
    buffer.beginJSONObject()
    buffer.writeReferenceID(referenceID)
    buffer.writeJSONMember("errorMessage", message)
    buffer.writeJSONMember("errorCode", code)
    buffer.writeEnvelopeEnd()
  }

  /// Appends an event; the closure writes its data.
  /// - Parameter workspaceID: only for monitors, which see several workspaces.
  public static func writeEvent(
    _ name: String, workspaceID: String?, into buffer: inout ByteBuffer, writeData: (inout ByteBuffer) -> Void
  ) {
    buffer.beginJSONObject()
    buffer.writeJSONMember("event", name)
    buffer.writeJSONMember("data", writeValue: writeData)
    buffer.writeEnvelopeEnd(workspaceID: workspaceID)
  }

  /// Appends this message as JSON.
  public func encode(into buffer: inout ByteBuffer) {
    switch self {
    case .response(let referenceID, let data):
      Self.writeResponse(to: referenceID, into: &buffer) { $0.writeJSON(data) }
    case .subscribed(let referenceID, let subscriptionID):
      Self.writeSubscribed(to: referenceID, subscriptionID, into: &buffer)
    case .failure(let referenceID, let code, let message):
      Self.writeFailure(to: referenceID, code: code, message: message, into: &buffer)
    case .event(let name, let data, let workspaceID):
      Self.writeEvent(name, workspaceID: workspaceID, into: &buffer) { $0.writeJSON(data) }
    }
  }
}

extension ByteBuffer {
  fileprivate mutating func writeReferenceID(_ referenceID: ReferenceID?) {
    guard let referenceID else { return }
    writeJSONMember("referenceId", referenceID.json)
  }

  fileprivate mutating func writeEnvelopeEnd(workspaceID: String? = nil) {
    writeJSONMember("userAgent", ServerMessage.userAgent)
    writeJSONMember("protocolVersion", Int64(protocolVersion))
    writeJSONMember("workspaceId", workspaceID)
    endJSONObject()
  }
}
