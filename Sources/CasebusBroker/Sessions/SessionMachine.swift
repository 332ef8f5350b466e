import CasebusProtocol

/// The life of a session: what becomes of each message of its client, and when the session is closed.
struct SessionMachine {
  enum Life: Equatable {
    case open
    /// What was asked before is still answered, then the session is closed.
    case draining(CloseCode, reason: String)
    case closed
  }

  /// Whether messages are passed on as they come. Something about durable consumers is answered outside of the order of
  /// the workspace, so what follows it is held until then (Protocol §4.4).
  private enum Order: Equatable {
    case passing
    case holding
    /// Held messages are being passed on.
    case releasing
  }

  private(set) var life = Life.open
  private var order = Order.passing
  private var malformedMessages = 0
  private let malformedMessagesMax: Int

  init(malformedMessagesMax: Int) {
    self.malformedMessagesMax = malformedMessagesMax
  }

  /// Whether the connection can still be written to.
  var isOpen: Bool { life != .closed }

  /// Whether messages are held.
  var isHolding: Bool { order == .holding }

  // MARK: - Messages

  enum OnMessage: Equatable {
    case pass
    /// It is given to ``messageReceived()`` again when it is its turn.
    case hold
    /// It is answered with a failure: the broker is stopping.
    case refuse
    /// It is not even answered.
    case ignore
  }

  /// The client sent a message, or a held one has its turn.
  func messageReceived() -> OnMessage {
    switch (order, life) {
    case (.holding, _): .hold
    case (.passing, .open), (.releasing, .open): .pass
    case (.passing, .draining(.shuttingDown, _)), (.releasing, .draining(.shuttingDown, _)): .refuse
    case (.passing, .draining), (.releasing, .draining), (.passing, .closed), (.releasing, .closed): .ignore
    }
  }

  /// A message was passed on that is answered outside of the order.
  mutating func controlMessagePassed() {
    order = .holding
  }

  /// A message was answered.
  /// - Parameter areOnlyHeldUnanswered: whether no message is unanswered but those that are held.
  /// - Returns: whether held messages are to be passed on now, one by one while ``mayRelease`` is true; then
  ///   ``heldWereReleased()`` is to be called.
  mutating func messageAnswered(areOnlyHeldUnanswered: Bool) -> Bool {
    guard order == .holding, areOnlyHeldUnanswered else { return false }
    order = .releasing
    return true
  }

  /// Whether the next held message may be passed on: not behind another one that is answered outside of the order.
  var mayRelease: Bool { order == .releasing }

  mutating func heldWereReleased() {
    if order == .releasing { order = .passing }
  }

  // MARK: - Its end

  /// - Returns: whether the session is to be drained because there were too many.
  mutating func malformedMessageReceived() -> Bool {
    malformedMessages += 1
    guard malformedMessages >= malformedMessagesMax, life == .open else { return false }
    life = .draining(.tooManyMalformed, reason: "\(malformedMessages) malformed messages (malformedMessagesMax)")
    return true
  }

  /// The broker is stopping.
  /// - Returns: whether the session is to be drained.
  mutating func brokerStops(reconnectDelayMilliseconds delay: Int) -> Bool {
    guard life == .open else { return false }
    life = .draining(.shuttingDown, reason: "reconnect in \(delay) ms")
    return true
  }

  /// How a session is to be closed that is draining, when nothing is unanswered; nil if it is not draining.
  var drained: (code: CloseCode, reason: String)? {
    if case .draining(let code, let reason) = life { (code, reason) } else { nil }
  }

  /// - Returns: whether it was open.
  mutating func closed() -> Bool {
    defer { life = .closed }
    return life != .closed
  }
}
