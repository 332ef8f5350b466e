import CasebusJournal
import CasebusProtocol
import NIOCore

/// Performs the ``Replay`` of a session: reads the journal, sends the events, asks the workspace.
final class SessionReplay {
  let id: SubscriptionID
  /// Subscribes that take effect when the replay has ended.
  var waiting: [Outcome] = []
  private var machine: Replay
  private var journal: any JournalReplay
  private let workspace: WorkspaceID
  private let epoch: String
  /// The names of the wanted events.
  private let names: Set<String>
  private unowned let session: Session

  private static var pageRecordsMax: Int { 256 }
  private static var pageBytesMax: Int { 131_072 }
  /// A journal that failed is not asked again at once.
  private static var pause: TimeAmount { .milliseconds(10) }

  init(
    _ machine: Replay, of id: SubscriptionID, from journal: any JournalReplay, in workspace: WorkspaceID, epoch: String,
    names: [EventName], session: Session
  ) {
    self.machine = machine
    self.id = id
    self.journal = journal
    self.workspace = workspace
    self.epoch = epoch
    self.names = Set(names.map(\.description))
    self.session = session
  }

  /// The client has the answer to its subscribe: the events follow.
  func begin() {
    perform(.requestTurn)
  }

  /// - Returns: whether it takes the turn.
  func turnCame() -> Bool {
    switch machine.turnCame() {
    case .passOn: return false
    case .read(let offset):
      readPage(after: offset)
      return true
    }
  }

  /// The workspace says how the replay ends.
  func endReceived(_ end: ReplayEnd) {
    switch end {
    case .events(let events):
      guard machine.newestEventsReceived() else { return }
      for event in events { send(event) }
      session.replayEnded()
    case .further(let target):
      switch machine.newTargetReceived(target) {
      case .openJournal(let offset): openJournal(after: offset)
      case .none: break
      }
    }
  }

  /// Its subscription has ended.
  func cancel() {
    guard machine.cancelled() else { return }
    session.loop.send(.replayGivenUp(session.key), to: workspace)
    session.replayEnded()
  }

  /// Its session has ended, perhaps while a page was being sent.
  func sessionEnded() {
    _ = machine.cancelled()
  }

  private func perform(_ next: Replay.Next) {
    switch next {
    case .requestTurn:
      session.loop.requestReplayTurn(for: ReplayTurns.Reader(session: session.key.number, subscription: id))
    case .askForEnd(let offset):
      session.intake.messageTaken()
      session.loop.send(.replayRead(id, through: offset, session.caller(nil)), to: workspace)
    case .none: break
    }
  }
}

// MARK: - Reading the journal

extension SessionReplay {
  private func readPage(after offset: JournalOffset) {
    let (port, number, id) = (session.loop.port, session.key.number, id)
    journal.read(after: offset, limit: Self.pageRecordsMax, bytesMax: Self.pageBytesMax) { result in
      port.execute { loop in
        loop.sessions[number]?.replay(of: id)?.pageRead(result)
        loop.replayTurnEnded()
      }
    }
  }

  private func pageRead(_ result: Result<[JournalRecord], JournalError>) {
    switch result {
    case .success(let records): perform(machine.pageRead(through: records.last?.offset), with: records)
    case .failure(let error): perform(machine.readFailed(error))
    }
  }

  private func perform(_ action: Replay.OnPage, with records: [JournalRecord] = []) {
    switch action {
    case .send(let last):
      // The connection may end while the page is sent, and with it the last other reference to the session.
      let session = session
      for record in records where record.offset <= last { send(record) }
      session.sink.whenWritable { [weak self] in
        guard let self else { return }
        perform(machine.becameWritable())
      }
    case .fail(let reason): session.close(.internalError, reason: reason)
    case .none: break
    }
  }

  private func openJournal(after offset: JournalOffset) {
    do throws(JournalError) {
      journal = try session.loop.journal.replay(workspace, after: offset)
    } catch {
      return perform(machine.openFailed(error))
    }
    session.loop.port.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [weak self] in
      guard let self else { return }
      perform(machine.pauseEnded())
    }
  }
}

// MARK: - Sending

extension SessionReplay {
  private func send(_ record: JournalRecord) {
    guard names.contains(record.event), let name = EventName(record.event) else { return }
    session.send(TextFrame(event: name, record.data, labels(at: record.offset)))
  }

  private func send(_ event: EncodedEvent) {
    guard names.contains(event.name.description) else { return }
    session.send(TextFrame(event: event.name, event.data, labels(at: event.offset)))
  }

  private func labels(at offset: JournalOffset) -> EventLabels {
    EventLabels(position: StreamPosition(offset: offset, epoch: epoch))
  }
}

@available(*, unavailable)
extension SessionReplay: Sendable {}
