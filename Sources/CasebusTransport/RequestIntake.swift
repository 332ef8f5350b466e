import CasebusWebSocket
import NIOCore

/// What becomes of the requests of one connection, until it is a WebSocket connection or is left to the HTTP pipeline.
///
/// A connection stays open after a request only if that request had the plain form of ``PlainRequestHead``: no body, no
/// folded or bare line, nothing that two parsers could read in two ways (RFC 9112 §11.2). Everything else is for the HTTP
/// pipeline, which answers one request and closes. One request is answered at a time; what follows it waits as bytes.
struct RequestIntake {
  struct Limits: Sendable {
    var headerBytesMax: Int
    var headerFieldsMax: Int
    /// Requests that one connection may make.
    var requestsMax: Int
  }

  /// A head may come in so many reads; each time it is looked at from its beginning.
  static var readsPerHeadMax: Int { 8 }

  private enum State {
    case reading(Reading)
    case answering(Answering)
    /// The last answer is written; what still comes is dropped.
    case closing
    /// Somebody else has the connection.
    case handedOver
  }

  private struct Reading {
    var bytes: ByteBuffer
    var reads: Int
    var answered: Int
  }

  private struct Answering {
    /// What came behind the request that is being answered.
    var bytes: ByteBuffer
    var answered: Int
    /// The connection is closed after this answer, whatever waits.
    var isLast: Bool
    /// Nothing more comes; what waits is still answered.
    var isInputClosed = false
  }

  private let limits: Limits
  private var state = State.reading(Reading(bytes: ByteBuffer(), reads: 0, answered: 0))

  init(_ limits: Limits) {
    self.limits = limits
  }

  /// Between two requests, nothing of the next one has come.
  var isIdle: Bool {
    if case .reading(let reading) = state { reading.answered > 0 && reading.bytes.readableBytes == 0 } else { false }
  }

  /// The number of the request that is being answered; nil if none is.
  var answerNumber: Int? {
    if case .answering(let answering) = state { answering.answered } else { nil }
  }

  /// Whether the connection is closed after the answer that is being given.
  var isLastAnswer: Bool {
    if case .answering(let answering) = state { answering.isLast } else { true }
  }

  /// So much waits behind the request that is being answered that nothing more is to be read.
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
    /// A request for another protocol, with all bytes from its beginning. Over for the intake.
    case upgrade(PlainRequestHead, ByteBuffer)
    /// For the HTTP pipeline, as the last request. Over for the intake.
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
    /// The answer that is being given is the last.
    case wait
  }

  /// Nothing more comes from the peer. Whole requests that have come are answered.
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
    /// It says that the request is not complete.
    case leaveToHTTP(ByteBuffer)
  }

  /// What was waited for did not come: a request, or that the peer takes its answer.
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

  /// The input is closed: only a whole plain request can still be answered.
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
  /// Without a copy where there was nothing before.
  fileprivate mutating func append(_ bytes: ByteBuffer) {
    if readableBytes == 0 { self = bytes } else { writeImmutableBuffer(bytes) }
  }
}
