import CasebusJournal
import CasebusProtocol

/// The workspace's part in replays (Protocol §9.2).
///
/// A replay reads the journal up to where the workspace stood at the subscribe. Events that are decided meanwhile are
/// retained, so that the replay can end in the order of the workspace: with the newest events, and from then on live.
extension WorkspaceHost {
  func subscribe(_ options: SubscribeOptions, from caller: Caller) {
    let start = retained.subscribed(caller.session, since: options.since, current: position)
    finish(
      Outcome(caller: caller, answer: .subscribe(options, SubscriptionStart(position: position, replay: start))))
  }

  /// The replay of a subscription has read the journal up to an offset.
  func endReplay(of id: SubscriptionID, after offset: JournalOffset, for caller: Caller) {
    guard sessions[caller.session] != nil else { return }
    cause = .replayRead(id, through: offset, caller)
    defer { cause = nil }
    let end = retained.replayRead(by: caller.session, through: offset, end: currentOffset)
    finish(Outcome(caller: caller, answer: .endOfReplay(id, end)))
  }

  /// A replay ended before it was complete.
  func cancelReplay(for session: SessionKey) {
    retained.release(session)
  }
}
