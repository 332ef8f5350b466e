internal import struct NIOCore.ByteBuffer

extension WebSocketConnection {
  /// The result of ``startClose(code:reason:)``.
  package enum OnStartClose: Hashable, Sendable {
    /// The close frame is outbound; wait for the peer's close frame, with a timeout.
    case awaitPeer
    /// One side had already begun: there is nothing to do.
    case alreadyClosing
  }

  /// Begins the closing handshake (RFC 6455 §7.1.2). No data can be sent after it, and messages that still arrive are
  /// not delivered.
  ///
  /// - Parameters:
  ///   - code: one that is allowed on the wire.
  ///   - reason: cut at the last whole character within 123 bytes.
  package mutating func startClose(code: WebSocketCloseCode, reason: String = "") -> OnStartClose {
    precondition(code.isAllowedOnTheWire, "close code \(code.rawValue) is not allowed on the wire")
    guard isOpen else { return .alreadyClosing }
    queueClose(code: code, reason: reason)
    state = .closeSent
    return .awaitPeer
  }

  /// RFC 6455 §5.5.1: a close frame is answered with one that has the same code, unless ours went first.
  mutating func closeReceived(_ body: ByteBuffer) throws(WebSocketViolation) -> WebSocketEvent {
    let (code, reason) = try Self.parseClose(body)
    if isOpen { queueClose(code: code, reason: "") }
    end()
    return .closeReceived(code: code, reason: reason)
  }

  /// RFC 6455 §7.1.7: says why, unless the last frame has been sent, and reads no further.
  mutating func fail(_ violation: WebSocketViolation) -> WebSocketEvent {
    if isOpen { queueClose(code: violation.closeCode, reason: violation.reason) }
    end()
    return .failed(violation)
  }

  private mutating func end() {
    state = .closed
    input = ByteBuffer()
    message = nil
    controlPayload = ByteBuffer()
    inflater = nil
  }

  private mutating func queueClose(code: WebSocketCloseCode, reason: String) {
    var body = ByteBuffer()
    if code != .noStatusReceived {
      body.writeInteger(code.rawValue)
      body.writeBytes(reason.utf8.prefix(wholeCharactersWithin: WebSocketFrame.controlPayloadBytesMax - 2))
    }
    queueControlFrame(.close, payload: body)
  }

  /// RFC 6455 §5.5.1, §7.1.5, §7.4.2, §8.1.
  private static func parseClose(
    _ body: ByteBuffer
  ) throws(WebSocketViolation) -> (code: WebSocketCloseCode, reason: String) {
    var body = body
    guard body.readableBytes > 0 else { return (.noStatusReceived, "") }
    guard let number: UInt16 = body.readInteger() else { throw .closeBodyTooShort }
    let code = WebSocketCloseCode(rawValue: number)
    guard code.isAllowedOnTheWire else { throw .closeCodeInvalid(number) }
    guard let reason = String(validating: body.readableBytesView, as: UTF8.self) else { throw .closeReasonNotUTF8 }
    return (code, reason)
  }
}

extension String.UTF8View {
  fileprivate func prefix(wholeCharactersWithin bytesMax: Int) -> Substring.UTF8View {
    var end = index(startIndex, offsetBy: bytesMax, limitedBy: endIndex) ?? endIndex
    while end < endIndex, self[end] & 0xC0 == 0x80 {
      formIndex(before: &end)
    }
    return self[startIndex..<end]
  }
}
