import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore

/// What others append to a workspace, where several brokers share a journal.
///
/// The journal refuses a commit that does not continue the stream: what others appended comes first. The host reads it,
/// its sessions and consumers get it like what was decided here, and then the messages that led to the refused commit are
/// decided again, on the new state.
extension WorkspaceHost {
  private static var pageRecordsMax: Int { 256 }
  private static var pageBytesMax: Int { 1 << 20 }

  /// The journal refused commits because others appended first.
  /// - Parameter causes: what led to the commits; it is decided again, before everything that waits.
  func catchUp(deciding causes: [HostMessage]) {
    again.insert(contentsOf: causes, at: 0)
    guard lifecycle.conflicted() else { return }
    loop.logger.info("another broker appended to a workspace first", metadata: ["workspace": "\(id)"])
    let (port, id) = (loop.port, id)
    loop.journal.open(id) { result in
      // Not at once: a commit may be being settled.
      port.execute { $0.hosts[id]?.streamWasRead(result) }
    }
  }

  /// The messages take no turn again: they have their place before everything that their sessions said later.
  func decideAgain() {
    let messages = again
    again = []
    for message in messages {
      switch message {
      case .said(let content, let caller):
        answer(content, to: caller)
        // Its session has left meanwhile; nothing of it is kept.
        if !caller.isMonitor, sessions[caller.session] == nil {
          if case .session = ownBlocker(of: caller) { departed.insert(ownBlocker(of: caller)) }
          retained.release(caller.session)
          loop.window.forget(caller.session)
        }
      case .replayRead(let id, let offset, let caller): endReplay(of: id, after: offset, for: caller)
      case .attach, .saidByMonitor, .replayGivenUp, .consumerJoined, .consumerLeft, .detach:
        preconditionFailure("nobody is answered for it")
      }
    }
  }

  private func streamWasRead(_ result: Result<JournalStream, JournalError>) {
    guard lifecycle.state == .catchingUp else { return }
    switch result {
    case .failure(let error): catchingUpFailed(error)
    case .success(let stream):
      guard stream.epoch.hasSameBytes(as: epoch), stream.last >= durableOffset else { return loadAgain() }
      receipts = ReceiptBook(loop.configuration)
      for receipt in stream.receipts { receipts.restore(receipt, at: loop.now) }
      durableSnapshotOffset = max(durableSnapshotOffset, stream.snapshot?.offset ?? 0)
      readOn(through: stream.last)
    }
  }

  private func readOn(through last: JournalOffset) {
    guard durableOffset < last else { return caughtUp() }
    let (port, id) = (loop.port, id)
    do throws(JournalError) {
      let replay = try loop.journal.replay(id, after: durableOffset)
      replay.read(after: durableOffset, limit: Self.pageRecordsMax, bytesMax: Self.pageBytesMax) { result in
        port.execute { $0.hosts[id]?.pageOfOthersWasRead(result, through: last) }
      }
    } catch {
      port.execute { $0.hosts[id]?.pageOfOthersWasRead(.failure(error), through: last) }
    }
  }

  private func pageOfOthersWasRead(_ result: Result<[JournalRecord], JournalError>, through last: JournalOffset) {
    guard lifecycle.state == .catchingUp else { return }
    do throws(JournalError) {
      let records = try result.get().filter { $0.offset <= last }
      guard records.first?.offset == durableOffset + 1 else { return loadAgain() }
      try takeOver(records)
      readOn(through: last)
    } catch {
      if case .pruned = error { loadAgain() } else { catchingUpFailed(error) }
    }
  }

  /// Makes the events of others so, and gives them to everybody who is here.
  private func takeOver(_ records: [JournalRecord]) throws(JournalError) {
    var release = WorkspaceRelease(workspace: id, epoch: epoch)
    var outcome = Outcome(caller: nil, answer: .silent)
    var given: [ConsumerRecord] = []
    for record in records {
      let event = try WorkspaceEvent(kept: record, in: id)
      durable.evolve(event, at: Timestamp(milliseconds: record.time))
      durableOffset = record.offset
      let encoded = EncodedEvent(event.name, at: record.offset) { $0.writeImmutableBuffer(record.data) }
      retained.append(encoded)
      outcome.eventCount += 1
      outcome.weight += encoded.bytes
      release.events.append(encoded)
      given.append(ConsumerRecord(record: record, key: event.key))
    }
    release.append(outcome)
    loop.perform(.releasing) { loop.release([(self, release)]) }
    for key in consumers.queues.keys { tell(key) { $0.recordsAppended(given, at: $1) } }
  }

  private func caughtUp() {
    current = durable
    currentOffset = durableOffset
    snapshotOffset = durableSnapshotOffset
    lifecycle.journalWasRead()
    begin()
  }

  private func catchingUpFailed(_ error: JournalError) {
    closeSessions("the journal could not be read, what others appended after \(durableOffset) is missing")
    loadFailed(error)
    begin()
  }

  /// The stream does not continue what was known here: it was lost and begun anew, or what is missing is pruned. Sessions
  /// would miss events; they are closed, and find out where they are when they come back.
  private func loadAgain() {
    lifecycle.lostTrack()
    closeSessions("the journal no longer has the events that follow \(durableOffset)")
    load()
  }

  private func closeSessions(_ reason: String) {
    for session in sessions.keys { loop.close(session, .internalError, reason: reason) }
  }
}

extension WorkspaceEvent {
  /// Reads an event as it was kept.
  init(kept record: JournalRecord, in workspace: WorkspaceID) throws(JournalError) {
    do throws(ReplayError) {
      try self.init(record)
    } catch {
      throw .unavailable("what is kept of workspace \(workspace) cannot be read: \(error)")
    }
  }
}
