import CasebusProtocol
import DequeModule

/// Lets few of a loop's replays read at a time, one page each in turn: live events and commands wait behind that many
/// pages, not behind one of everybody who resumes (500 at once after a restart: 600 ms, measured).
struct ReplayTurns {
  struct Reader: Equatable {
    var session: UInt64
    /// Tells its replay from an earlier one.
    var subscription: SubscriptionID
  }

  private var free = 1
  private var waiting: Deque<Reader> = []

  /// - Returns: whether the reader may read now; else it is its turn later.
  mutating func take(_ reader: Reader) -> Bool {
    guard free > 0 else {
      waiting.append(reader)
      return false
    }
    free -= 1
    return true
  }

  /// A turn is over.
  /// - Returns: whose turn it is now.
  mutating func end() -> Reader? {
    guard let next = waiting.popFirst() else {
      free += 1
      return nil
    }
    return next
  }
}

extension BrokerLoop {
  /// A page was read and sent. Those who are gone meanwhile are passed over.
  func replayTurnEnded() {
    while let reader = replayTurns.end() {
      if sessions[reader.session]?.readPage(of: reader.subscription) == true { return }
    }
  }
}
