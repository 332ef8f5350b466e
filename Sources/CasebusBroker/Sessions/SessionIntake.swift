/// What a session said and was not answered, and whether more is read from its connection.
///
/// Reading pauses when much is unanswered, and goes on when half of that is answered: at the end of the tick, because
/// what waited in the connection is then taken at once.
struct SessionIntake {
  private enum Reading {
    case on
    case paused
    /// It goes on at the end of the tick.
    case resuming
  }

  private let messagesMax: Int
  private let bytesMax: Int
  private var reading = Reading.on
  /// Messages that were passed on, or are held, and are not done with.
  private(set) var unanswered = 0
  private var unansweredBytes = 0

  init(_ configuration: BrokerConfiguration) {
    messagesMax = configuration.commandsInFlightMax
    bytesMax = configuration.messageBytesInFlightMax
  }

  /// So much is unanswered that no more is to be read.
  var isFull: Bool { unanswered >= messagesMax || unansweredBytes >= bytesMax }

  /// So little is unanswered that more may be read.
  private var hasRoom: Bool { unanswered <= messagesMax / 2 && unansweredBytes <= bytesMax / 2 }

  mutating func messageTaken(bytes: Int = 0) {
    unanswered += 1
    unansweredBytes += bytes
  }

  mutating func messageAnswered(bytes: Int = 0) {
    unanswered -= 1
    unansweredBytes -= bytes
  }

  /// - Returns: whether the connection is to be told.
  mutating func pause() -> Bool {
    switch reading {
    case .on:
      reading = .paused
      return true
    case .paused, .resuming:
      reading = .paused
      return false
    }
  }

  /// - Returns: whether ``tickEnded(mayRead:)`` is to be called.
  mutating func resumeIfRoom() -> Bool {
    guard case .paused = reading, hasRoom else { return false }
    reading = .resuming
    return true
  }

  /// - Returns: whether the connection is to be told to read on.
  mutating func tickEnded(mayRead: Bool) -> Bool {
    guard case .resuming = reading else { return false }
    reading = mayRead && hasRoom ? .on : .paused
    return reading == .on
  }
}
