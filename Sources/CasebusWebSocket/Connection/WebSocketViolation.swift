/// A violation of the protocol by the peer. ``outcome`` has one close code and one line of text for each.
package enum WebSocketViolation: Error, Hashable, Sendable {
  case reservedBits
  case reservedOpcode(UInt8)
  case unmaskedClientFrame
  case maskedServerFrame
  case lengthNotMinimal
  case lengthTooBig
  case controlFrameTooLong
  case fragmentedControlFrame
  case unexpectedContinuation
  case messageInsideMessage
  case closeBodyTooShort
  case closeCodeInvalid(UInt16)
  case closeReasonNotUTF8
  case textNotUTF8
  case compressedDataInvalid
  case frameTooLarge
  case messageTooLarge
  case tooManyFragments
  case tooManyPings

  /// The code that the connection is closed with.
  package var closeCode: WebSocketCloseCode { outcome.code }

  /// One line for the close frame and the log; it begins with the name of the close code (Protocol §2.5).
  package var reason: String { "\(codeName): \(outcome.reason)" }

  private var codeName: String {
    switch outcome.code {
    case .invalidPayload: "invalid_payload"
    case .policyViolation: "too_many_pings"
    case .messageTooBig: "message_too_big"
    case _: "protocol_error"
    }
  }

  /// The table: RFC 6455 §7.4.1 for the codes.
  private var outcome: (code: WebSocketCloseCode, reason: String) {
    switch self {
    case .reservedBits: (.protocolError, "reserved bits set without an extension that defines them")
    case .reservedOpcode(let opcode): (.protocolError, "reserved opcode \(opcode)")
    case .unmaskedClientFrame: (.protocolError, "a client must mask every frame")
    case .maskedServerFrame: (.protocolError, "a server must not mask any frame")
    case .lengthNotMinimal: (.protocolError, "payload length not in its shortest form")
    case .lengthTooBig: (.protocolError, "the highest bit of a 64-bit payload length must be 0")
    case .controlFrameTooLong: (.protocolError, "control frame longer than 125 bytes")
    case .fragmentedControlFrame: (.protocolError, "control frame fragmented")
    case .unexpectedContinuation: (.protocolError, "continuation frame without a message to continue")
    case .messageInsideMessage: (.protocolError, "new message before the fragmented one ended")
    case .closeBodyTooShort: (.protocolError, "close frame with one byte of body; a code takes two")
    case .closeCodeInvalid(let code): (.protocolError, "close code \(code) not allowed on the wire")
    case .closeReasonNotUTF8: (.invalidPayload, "close reason not UTF-8")
    case .textNotUTF8: (.invalidPayload, "text message not UTF-8")
    case .compressedDataInvalid: (.invalidPayload, "compressed message does not inflate")
    case .frameTooLarge: (.messageTooBig, "frame over the size limit")
    case .messageTooLarge: (.messageTooBig, "message over the size limit")
    case .tooManyFragments: (.messageTooBig, "message in too many fragments")
    case .tooManyPings: (.policyViolation, "too many pings in a minute")
    }
  }
}
