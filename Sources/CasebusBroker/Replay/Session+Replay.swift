import CasebusJournal
import CasebusProtocol

/// A session that is given the events that it missed before it gets live events (Protocol §9.2).
extension Session {
  /// The replay for a subscription; nil if there is none, or it has ended.
  func replay(of id: SubscriptionID) -> SessionReplay? {
    guard let replay, replay.id == id else { return nil }
    return replay
  }

  /// Makes the replay for a subscription; ``SessionReplay/begin()`` is called when the client has its answer.
  /// - Returns: whether the journal still has the events; if not, the client is to be told.
  func makeReplay(
    of options: SubscribeOptions, _ id: SubscriptionID, after offset: JournalOffset, through position: StreamPosition
  ) -> Bool {
    guard case .workspace(let workspace) = scope else { preconditionFailure("a monitor has no replay") }
    guard let journal = try? loop.journal.replay(workspace, after: offset) else {
      loop.send(.replayGivenUp(key), to: workspace)
      return false
    }
    replay = SessionReplay(
      Replay(after: offset, through: position.offset), of: id, from: journal, in: workspace, epoch: position.epoch,
      names: options.names, session: self)
    return true
  }

  /// The session has ended: its replay sends nothing more and asks for nothing more.
  func endReplayWithSession() {
    replay?.sessionEnded()
    replay = nil
  }

  /// Live events follow, and the subscribes that waited for the end of the replay take effect.
  func replayEnded() {
    let waiting = replay?.waiting ?? []
    replay = nil
    loop.shard.update(self, wanted: subscriptions.wanted)
    for outcome in waiting { received(outcome) }
  }
}
