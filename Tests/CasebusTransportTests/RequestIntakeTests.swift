import CasebusWebSocket
import NIOCore
import Testing

@testable import CasebusTransport

/// Every event in every state of a connection that is not a WebSocket connection yet.
@Suite struct RequestIntakeTests {
  static let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
  static let handshake = "GET /v2 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
  static let withBody = "GET /b HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"

  enum Situation: CaseIterable {
    /// Nothing has come yet.
    case new
    /// A part of the first request.
    case begun
    /// Between two requests.
    case idle
    case answering
    /// A whole request waits behind the one that is being answered.
    case answeringOneOfTwo
    /// The last request of the connection is being answered.
    case answeringLast
    case closing
    case handedOver

    var intake: RequestIntake {
      var intake = RequestIntake(.init(headerBytesMax: 200, headerFieldsMax: 10, requestsMax: 3))
      switch self {
      case .new: break
      case .begun: _ = intake.receive("GET /")
      case .idle:
        _ = intake.receive(request)
        _ = intake.answerWritten()
      case .answering: _ = intake.receive(request)
      case .answeringOneOfTwo: _ = intake.receive(request + request)
      case .answeringLast:
        _ = intake.receive(request + request + request)
        _ = intake.answerWritten()
        _ = intake.answerWritten()
      case .closing:
        _ = intake.receive(request)
        _ = intake.quiesced()
        _ = intake.answerWritten()
      case .handedOver: _ = intake.receive(withBody)
      }
      return intake
    }
  }

  @Test(arguments: [
    (Situation.new, "answer /a"), (.begun, "leave GET /GET /a"), (.idle, "answer /a"), (.answering, "wait"),
    (.answeringOneOfTwo, "wait"), (.answeringLast, "wait"), (.closing, "wait"), (.handedOver, "wait"),
  ])
  func aRequestComes(_ situation: Situation, _ expected: String) {
    var intake = situation.intake
    #expect(intake.receive(Self.request).hasPrefix(expected))
  }

  @Test(arguments: [
    (Situation.new, "upgrade /v2"), (.idle, "upgrade /v2"), (.answering, "wait"), (.answeringOneOfTwo, "wait"),
    (.answeringLast, "wait"), (.closing, "wait"), (.handedOver, "wait"),
  ])
  func aHandshakeComes(_ situation: Situation, _ expected: String) {
    var intake = situation.intake
    #expect(
      intake.receive(Self.handshake + "frames") == (expected == "wait" ? "wait" : "\(expected) \(Self.handshake)frames")
    )
  }

  @Test(arguments: [
    (Situation.new, true), (.idle, true), (.answering, false), (.answeringOneOfTwo, false), (.answeringLast, false),
    (.closing, false), (.handedOver, false),
  ])
  func aRequestComesThatIsNotPlain(_ situation: Situation, _ isLeft: Bool) {
    var intake = situation.intake
    #expect(intake.receive(Self.withBody) == (isLeft ? "leave \(Self.withBody)" : "wait"))
  }

  @Test(arguments: [
    (Situation.new, "close"), (.begun, "close"), (.idle, "close"), (.answering, "last"), (.answeringOneOfTwo, "wait"),
    (.answeringLast, "last"), (.closing, "close"), (.handedOver, "close"),
  ])
  func theInputEnds(_ situation: Situation, _ expected: String) {
    var intake = situation.intake
    let action = intake.inputClosed()
    #expect(action == (expected == "close" ? .close : .wait))
    if action == .wait { #expect(intake.isLastAnswer == (expected == "last")) }
  }

  @Test(arguments: [
    (Situation.new, RequestIntake.OnEnd.close), (.begun, .close), (.idle, .close), (.answering, .wait),
    (.answeringOneOfTwo, .wait), (.answeringLast, .wait), (.closing, .close), (.handedOver, .close),
  ])
  func theServerStops(_ situation: Situation, _ expected: RequestIntake.OnEnd) {
    var intake = situation.intake
    #expect(intake.quiesced() == expected)
    if expected == .wait {
      #expect(intake.isLastAnswer)
      #expect(intake.written() == "close")
    }
  }

  @Test(arguments: [
    (Situation.new, "leave "), (.begun, "leave GET /"), (.idle, "close"), (.answering, "close"),
    (.answeringOneOfTwo, "close"), (.answeringLast, "close"), (.closing, "close"), (.handedOver, "close"),
  ])
  func timeIsOver(_ situation: Situation, _ expected: String) {
    var intake = situation.intake
    switch intake.timeReached() {
    case .close: #expect(expected == "close")
    case .leaveToHTTP(let bytes): #expect("leave \(String(buffer: bytes))" == expected)
    }
    #expect(intake.receive(Self.request) == "wait" || situation.intake.answerNumber != nil)
  }

  @Test(arguments: [(Situation.answering, "wait"), (.answeringOneOfTwo, "answer /a"), (.answeringLast, "close")])
  func theAnswerIsWritten(_ situation: Situation, _ expected: String) {
    var intake = situation.intake
    #expect(intake.written() == expected)
  }

  @Test func onlyBetweenRequestsItIsIdle() {
    #expect(Situation.allCases.filter { $0.intake.isIdle } == [.idle])
  }

  // MARK: - Sequences

  @Test func whatWaitsBehindAnAnswerIsReadOneRequestAtATime() {
    var intake = Situation.new.intake
    #expect(intake.receive(Self.request + Self.request + Self.handshake + "frames") == "answer /a")
    #expect(intake.answerNumber == 0)
    #expect(intake.written() == "answer /a")
    #expect(intake.answerNumber == 1)
    #expect(intake.written() == "upgrade /v2 \(Self.handshake)frames")
    #expect(intake.answerNumber == nil)
  }

  @Test func wholeRequestsBeforeTheEndOfTheInputAreAnswered() {
    var intake = Situation.answeringOneOfTwo.intake
    _ = intake.receive("GET /half")
    #expect(intake.inputClosed() == .wait)
    #expect(intake.written() == "answer /a")
    #expect(!intake.isLastAnswer)
    #expect(intake.written() == "close")
  }

  @Test func aHandshakeBeforeTheEndOfTheInputIsNotTaken() {
    var intake = Situation.answering.intake
    _ = intake.receive(Self.handshake)
    #expect(intake.inputClosed() == .wait)
    #expect(intake.written() == "close")
  }

  @Test func aHeadIsLookedAtAFewTimesOnly() {
    var intake = Situation.new.intake
    let bytes = Self.request.utf8.map { String(UnicodeScalar($0)) }
    for byte in bytes.prefix(RequestIntake.readsPerHeadMax - 1) { #expect(intake.receive(byte) == "wait") }
    #expect(
      intake.receive(bytes[RequestIntake.readsPerHeadMax - 1])
        == "leave \(bytes.prefix(RequestIntake.readsPerHeadMax).joined())")
  }

  @Test func nothingMoreIsReadWhenAHeadsWorthWaits() {
    var intake = Situation.answering.intake
    _ = intake.receive(String(repeating: "x", count: 200))
    #expect(!intake.hasEnough)
    _ = intake.receive("x")
    #expect(intake.hasEnough)
    #expect(intake.written().hasPrefix("leave"))
    #expect(!intake.hasEnough)
  }
}

extension RequestIntake {
  fileprivate mutating func receive(_ text: String) -> String {
    Self.text(of: bytesReceived(ByteBuffer(string: text)))
  }

  fileprivate mutating func written() -> String {
    switch answerWritten() {
    case .close: "close"
    case .next(let action): Self.text(of: action)
    }
  }

  private static func text(of action: OnBytes) -> String {
    switch action {
    case .wait: "wait"
    case .answer(let head): "answer \(head.target)"
    case .upgrade(let head, let bytes): "upgrade \(head.target) \(String(buffer: bytes))"
    case .leaveToHTTP(let bytes): "leave \(String(buffer: bytes))"
    }
  }
}
