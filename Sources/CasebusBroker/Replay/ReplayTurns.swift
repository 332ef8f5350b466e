import CasebusProtocol
import DequeModule

/// Lets the replays of a loop read the journal one page each in turn: live events and commands wait for one page at a
/// time, not for one of each session that resumes (500 at once after a restart: 600 ms, measured). While a loop has too
/// much to deliver (`undeliveredBytesMax`), no replay reads.
struct ReplayTurns {
  struct Reader: Equatable {
    var session: UInt64
    /// Names the replay: a session may have cancelled an earlier one.
    var subscription: SubscriptionID
  }

  private static var readersMax: Int { 1 }
  private var reading = 0
  private var waiting: Deque<Reader> = []

  mutating func requested(by reader: Reader) {
    waiting.append(reader)
  }

  /// A reader has its page, or does not want its turn any more.
  mutating func ended() {
    precondition(reading > 0, "nobody had a turn")
    reading -= 1
  }

  /// Gives the next turn.
  /// - Returns: who may read a page, after which ``ended()`` is called; nil if nobody may now.
  mutating func next(isCongested: Bool) -> Reader? {
    guard !isCongested, reading < Self.readersMax, let reader = waiting.popFirst() else { return nil }
    reading += 1
    return reader
  }
}

extension BrokerLoop {
  func requestReplayTurn(for reader: ReplayTurns.Reader) {
    replayTurns.requested(by: reader)
    giveReplayTurns()
  }

  /// A page was read and sent.
  func replayTurnEnded() {
    replayTurns.ended()
    giveReplayTurns()
  }

  /// A turn may be free, or the congestion has ended. Sessions and replays that have ended are skipped.
  func giveReplayTurns() {
    while let reader = replayTurns.next(isCongested: ticks.isCongested) {
      if sessions[reader.session]?.replay(of: reader.subscription)?.turnCame() != true { replayTurns.ended() }
    }
  }
}
