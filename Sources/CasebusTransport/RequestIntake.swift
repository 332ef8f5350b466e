import CasebusWebSocket
import NIOCore

/// Decides about the requests of one connection, until it becomes a WebSocket connection or goes to the HTTP pipeline.
///
/// A connection stays open after a request only if that request had the plain form of ``PlainRequestHead``: no body, no
/// folded or bare line, nothing that two parsers could read in two ways (RFC 9112 §11.2). Everything else goes to the
/// HTTP pipeline, which answers one request and closes. One request is answered at a time; later bytes are queued.
struct RequestIntake {
  struct Limits: Sendable {
    var headerBytesMax: Int
    var headerFieldsMax: Int
    /// Requests of one connection.
    var requestsMax: Int
  }

  /// In how many reads a head can arrive; after each one it is parsed from its beginning.
  static var readsPerHeadMax: Int { 8 }

  private enum State {
    case reading(Reading)
    case answering(Answering)
    /// The last answer was written; later input is dropped.
    case closing
    /// Another handler has the connection.
    case handedOver
  }

  private struct Reading {
    var bytes: ByteBuffer
    var reads: Int
    var answered: Int
  }

  private struct Answering {
    /// Bytes received behind the request that is being answered.
    var bytes: ByteBuffer
    var answered: Int
    /// The connection is closed after this answer, also if more is queued.
    var isLast: Bool
    /// The input has ended; queued requests are still answered.
    var isInputClosed = false
  }

  private let limits: Limits
  private var state = State.reading(Reading(bytes: ByteBuffer(), reads: 0, answered: 0))

  init(_ limits: Limits) {
    self.limits = limits
  }

  /// Whether it is between two requests and nothing of the next one has arrived.
  var isIdle: Bool {
    if case .reading(let reading) = state { reading.answered > 0 && reading.bytes.readableBytes == 0 } else { false }
  }

  /// The number of the request that is being answered; nil if none is.
  var answerNumber: Int? {
    if case .answering(let answering) = state { answering.answered } else { nil }
  }

  /// Whether the connection is closed after the current answer.
  var isLastAnswer: Bool {
    if case .answering(let answering) = state { answering.isLast } else { true }
  }

  /// Whether reading pauses, because too many bytes are queued behind the current request.
  var hasEnough: Bool {
    if case .answering(let answering) = state { answering.bytes.readableBytes > limits.headerBytesMax } else { false }
  }
}

// MARK: - Events

extension RequestIntake {
  enum OnBytes {
    case wait
    /// A request, to be answered.
    case answer(PlainRequestHead)
    /// A request for another protocol, with all bytes from its beginning. The intake has ended.
    case upgrade(PlainRequestHead, ByteBuffer)
    /// A request for the HTTP pipeline, as the last one. The intake has ended.
    case leaveToHTTP(ByteBuffer)
  }

  mutating func bytesReceived(_ bytes: ByteBuffer) -> OnBytes {
    switch state {
    case .reading(var reading):
      reading.bytes.append(bytes)
      reading.reads += 1
      return read(reading)
    case .answering(var answering):
      answering.bytes.append(bytes)
      state = .answering(answering)
      return .wait
    case .closing, .handedOver: return .wait
    }
  }

  enum OnAnswerWritten {
    case close
    case next(OnBytes)
  }

  mutating func answerWritten() -> OnAnswerWritten {
    switch state {
    case .answering(let answering):
      guard !answering.isLast else {
        state = .closing
        return .close
      }
      let isEmpty = answering.bytes.readableBytes == 0
      let next = read(Reading(bytes: answering.bytes, reads: isEmpty ? 0 : 1, answered: answering.answered + 1))
      return answering.isInputClosed ? lastRead(next) : .next(next)
    case .reading, .closing, .handedOver: preconditionFailure("nothing is being answered")
    }
  }

  enum OnEnd: Equatable {
    case close
    /// The current answer is the last one.
    case wait
  }

  /// The peer's input has ended. Complete requests that were received are answered.
  mutating func inputClosed() -> OnEnd {
    switch state {
    case .reading, .closing, .handedOver: return .close
    case .answering(var answering):
      answering.isInputClosed = true
      answering.isLast = answering.isLast || answering.bytes.readableBytes == 0
      state = .answering(answering)
      return .wait
    }
  }

  /// The server stops.
  mutating func quiesced() -> OnEnd {
    switch state {
    case .reading, .closing, .handedOver: return .close
    case .answering(var answering):
      answering.isLast = true
      state = .answering(answering)
      return .wait
    }
  }

  enum OnTimeout {
    case close
    /// The pipeline answers that the request is not complete.
    case leaveToHTTP(ByteBuffer)
  }

  /// A deadline passed: no complete request, or the peer took nothing of its answer.
  mutating func timeReached() -> OnTimeout {
    switch state {
    case .reading(let reading):
      guard !isIdle else {
        state = .closing
        return .close
      }
      state = .handedOver
      return .leaveToHTTP(reading.bytes)
    case .answering, .closing, .handedOver: return .close
    }
  }

  /// The input is closed: only a complete plain request can still be answered.
  private mutating func lastRead(_ action: OnBytes) -> OnAnswerWritten {
    guard case .answer = action else {
      state = .closing
      return .close
    }
    _ = inputClosed()
    return .next(action)
  }

  private mutating func read(_ reading: Reading) -> OnBytes {
    state = .reading(reading)
    guard reading.bytes.readableBytes > 0 else { return .wait }
    switch PlainRequestHead.read(
      reading.bytes, bytesMax: limits.headerBytesMax, fieldsMax: limits.headerFieldsMax)
    {
    case .whole(let head): return headRead(head, reading)
    case .incomplete where reading.reads < Self.readsPerHeadMax: return .wait
    case .incomplete, .other:
      state = .handedOver
      return .leaveToHTTP(reading.bytes)
    }
  }

  private mutating func headRead(_ head: PlainRequestHead, _ reading: Reading) -> OnBytes {
    switch head.purpose {
    case .upgrade:
      state = .handedOver
      return .upgrade(head, reading.bytes)
    case .resource:
      var rest = reading.bytes
      rest.moveReaderIndex(forwardBy: head.byteCount)
      state = .answering(
        Answering(bytes: rest, answered: reading.answered, isLast: reading.answered + 1 >= limits.requestsMax))
      return .answer(head)
    case .other:
      state = .handedOver
      return .leaveToHTTP(reading.bytes)
    }
  }
}

extension ByteBuffer {
  /// No copy if nothing was queued before.
  fileprivate mutating func append(_ bytes: ByteBuffer) {
    if readableBytes == 0 { self = bytes } else { writeImmutableBuffer(bytes) }
  }
}
