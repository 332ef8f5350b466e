internal import struct NIOCore.ByteBuffer

/// A data message that is being received (RFC 6455 §5.4): inflated and verified piece by piece.
struct IncomingMessage {
  enum Kind {
    case text
    case binary
  }

  let kind: Kind
  let isCompressed: Bool
  /// The received part, unmasked and inflated.
  private(set) var payload = ByteBuffer()
  private var fragments = 0
  private var validator = UTF8Validator()

  init(kind: Kind, isCompressed: Bool) {
    self.kind = kind
    self.isCompressed = isCompressed
  }

  mutating func frameBegan(limits: WebSocketLimits) throws(WebSocketViolation) {
    fragments += 1
    guard fragments <= limits.fragmentsPerMessageMax else { throw .tooManyFragments }
  }

  /// Takes the part of the frame in `input`.
  mutating func append(_ frame: inout FramePayload, from input: inout ByteBuffer) throws(WebSocketViolation) {
    let verified = payload.readableBytes
    frame.read(from: &input, into: &payload)
    try verifyText(from: verified)
  }

  /// The same for a compressed message, through the inflater.
  mutating func append(
    _ frame: inout FramePayload, from input: inout ByteBuffer, inflater: any MessageInflater, bytesMax: Int
  ) throws(WebSocketViolation) {
    var deflated = ByteBuffer()
    frame.read(from: &input, into: &deflated)
    try inflate { output throws(InflateError) in
      try inflater.inflate(deflated, into: &output, outputBytesMax: bytesMax)
    }
  }

  mutating func endInflating(_ inflater: any MessageInflater, bytesMax: Int) throws(WebSocketViolation) {
    try inflate { output throws(InflateError) in
      try inflater.endMessage(into: &output, outputBytesMax: bytesMax)
    }
  }

  /// The whole message, once its last frame has ended.
  func ended() throws(WebSocketViolation) -> WebSocketEvent {
    switch kind {
    case .text:
      guard validator.isComplete else { throw .textNotUTF8 }
      return .text(payload)
    case .binary:
      return .binary(payload)
    }
  }

  private mutating func inflate(
    _ step: (inout ByteBuffer) throws(InflateError) -> Void
  ) throws(WebSocketViolation) {
    let verified = payload.readableBytes
    do throws(InflateError) {
      try step(&payload)
    } catch {
      throw WebSocketViolation(error)
    }
    try verifyText(from: verified)
  }

  private mutating func verifyText(from offset: Int) throws(WebSocketViolation) {
    guard kind == .text else { return }
    var validator = validator
    let isValid = payload.withUnsafeReadableBytes { bytes in
      validator.consume(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
    }
    self.validator = validator
    guard isValid else { throw .textNotUTF8 }
  }
}

extension WebSocketViolation {
  fileprivate init(_ error: InflateError) {
    switch error {
    case .invalidData: self = .compressedDataInvalid
    case .outputTooLarge: self = .messageTooLarge
    }
  }
}
