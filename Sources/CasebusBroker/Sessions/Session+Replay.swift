import CasebusJournal
import CasebusProtocol
import NIOCore

/// Giving a session what it missed, before it gets live events (Protocol §9.2).
extension Session {
  /// - Returns: whether the events can be replayed; if not, the client is to be told.
  func beginReplay(
    of options: SubscribeOptions, _ id: SubscriptionID, after offset: JournalOffset, through position: StreamPosition
  ) -> Bool {
    guard case .workspace(let workspace) = scope else { preconditionFailure("a monitor has no replay") }
    guard let journal = try? loop.journal.replay(workspace, after: offset) else {
      loop.send(.replayGivenUp(key), to: workspace)
      return false
    }
    replay = SessionReplay(
      subscriptionID: id, journal: journal, workspace: workspace, epoch: position.epoch,
      names: Set(options.names.map(\.description)), position: offset, target: position.offset)
    return true
  }

  /// Reads on, as soon as the connection has room.
  func continueReplay() {
    guard let replay, isOpen else { return }
    guard replay.position < replay.target else { return endReplay() }
    let reader = ReplayTurns.Reader(session: key.number, subscription: replay.subscriptionID)
    if loop.replayTurns.take(reader) { readPage(of: replay.subscriptionID) }
  }

  /// It is this replay's turn.
  /// - Returns: false if it is over.
  @discardableResult
  func readPage(of id: SubscriptionID) -> Bool {
    guard let replay, replay.subscriptionID == id, isOpen else { return false }
    let number = key.number
    let port = loop.port
    replay.journal.read(
      after: replay.position, limit: SessionReplay.pageRecordsMax, bytesMax: SessionReplay.pageBytesMax
    ) { result in
      port.execute { loop in
        loop.sessions[number]?.pageRead(result, of: id)
        loop.replayTurnEnded()
      }
    }
    return true
  }

  /// Everything that was to be read was: the rest comes from the workspace, in order with live events.
  private func endReplay() {
    guard let replay else { return }
    intake.messageTaken()
    loop.send(.replayRead(replay.subscriptionID, through: replay.position, caller(nil)), to: replay.workspace)
  }

  private func pageRead(_ result: Result<[JournalRecord], JournalError>, of id: SubscriptionID) {
    guard let replay, replay.subscriptionID == id, isOpen else { return }
    do throws(JournalError) {
      let records = try result.get()
      guard let last = records.last else { throw .unavailable("records after offset \(replay.position) are missing") }
      for record in records where record.offset <= replay.target {
        if let frame = replay.frame(of: record) { send(frame) }
      }
      self.replay?.position = min(last.offset, replay.target)
      sink.whenWritable { [weak self] in self?.continueReplay() }
    } catch {
      close(.internalError, reason: "the journal cannot be read: \(error)")
    }
  }

  /// The workspace says how the replay ends.
  func replayEnds(_ id: SubscriptionID, with end: ReplayEnd) {
    guard let replay, replay.subscriptionID == id else { return }
    switch end {
    case .further(let target): prolongReplay(to: target)
    case .events(let events):
      for event in events {
        if let frame = replay.frame(of: event) { send(frame) }
      }
      finishReplay()
    }
  }

  /// There is more to be read than when the replay began.
  private func prolongReplay(to target: JournalOffset) {
    guard let replay else { return }
    do throws(JournalError) {
      self.replay?.journal = try loop.journal.replay(replay.workspace, after: replay.position)
    } catch {
      return close(.internalError, reason: "the journal does not have the rest of what was missed: \(error)")
    }
    self.replay?.target = target
    // A journal that fails is not asked again at once.
    loop.port.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) { [weak self] in self?.continueReplay() }
  }

  /// From now on events come live; what waited for that takes effect.
  private func finishReplay() {
    let waiting = replay?.waiting ?? []
    replay = nil
    loop.shard.update(self, wanted: subscriptions.wanted)
    for outcome in waiting { received(outcome) }
  }

  /// The subscription that the replay is for is gone.
  func cancelReplay(of id: SubscriptionID) {
    guard let replay, replay.subscriptionID == id else { return }
    loop.send(.replayGivenUp(key), to: replay.workspace)
    finishReplay()
  }
}
