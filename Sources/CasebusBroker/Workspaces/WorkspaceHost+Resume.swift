import CasebusJournal
import CasebusProtocol

/// Sessions that want what they missed (Protocol §9.2).
///
/// A replay reads the journal up to where the workspace stood when it was asked for. What is decided meanwhile is
/// retained, so that the replay can end in the order of the workspace: with the last events, and from then on live.
extension WorkspaceHost {
  func subscribe(_ options: SubscribeOptions, from caller: Caller) {
    let start = start(of: options.since)
    if start.replayAfter != nil { retained.keep(for: caller.session) }
    finish(Outcome(caller: caller, answer: .subscribe(options, start)))
  }

  private func start(of since: ResumePoint?) -> SubscriptionStart {
    let last: JournalOffset? =
      switch since {
      case nil: currentOffset
      case .beginning: 0
      case .after(let position):
        position.epoch.hasSameBytes(as: epoch) && position.offset <= currentOffset ? position.offset : nil
      }
    return SubscriptionStart(
      position: position, replayAfter: last.flatMap { $0 < currentOffset ? $0 : nil },
      isRecovered: since == nil ? nil : last != nil)
  }

  /// The replay of a subscription has read everything up to an offset.
  func endReplay(of id: SubscriptionID, after offset: JournalOffset, for caller: Caller) {
    guard sessions[caller.session] != nil else { return }
    cause = .replayRead(id, through: offset, caller)
    defer { cause = nil }
    if let events = retained.events(after: offset, through: currentOffset) {
      retained.release(caller.session)
      finish(Outcome(caller: caller, answer: .endOfReplay(id, .events(events))))
    } else {
      retained.keep(for: caller.session)
      finish(Outcome(caller: caller, answer: .endOfReplay(id, .further(through: currentOffset))))
    }
  }

  /// A replay was given up.
  func cancelReplay(for session: SessionKey) {
    retained.release(session)
  }
}
