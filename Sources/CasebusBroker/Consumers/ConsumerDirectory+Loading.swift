import CasebusJournal
import CasebusProtocol
import Synchronization

/// Reading the consumers from the journal, before any workspace comes into memory.
extension ConsumerDirectory {
  typealias LoadContinuation = @Sendable (Result<Void, JournalError>) -> Void

  enum Loading {
    case none
    case running(waiting: [LoadContinuation])
    case done
  }

  private enum Step { case proceed, wait, load }

  /// Calls the closure when it is known which consumers there are, from any thread: at once, if it is. What failed is
  /// tried again by the next call.
  func whenLoaded(_ body: @escaping LoadContinuation) {
    let step = content.withLock { content -> Step in
      switch content.loading {
      case .done: return .proceed
      case .running(let waiting):
        content.loading = .running(waiting: waiting + [body])
        return .wait
      case .none:
        content.loading = .running(waiting: [body])
        return .load
      }
    }
    switch step {
    case .proceed: body(.success(()))
    case .wait: break
    case .load: load()
    }
  }

  private func load() {
    journal.consumers { [self] result in
      switch result {
      case .success(let consumers): readBacklogs(of: consumers)
      case .failure(let error): loaded(.failure(error))
      }
    }
  }

  private func readBacklogs(of consumers: [JournalConsumer]) {
    journal.readBacklogs(of: consumers.map(\.key)) { [self] result in
      loaded(
        result.map { backlogs in
          consumers.map { consumer in
            let backlogs = backlogs[consumer.key] ?? []
            return Registration(
              consumer: consumer, positions: backlogs.positions(of: consumer.key), again: backlogs.again)
          }
        })
    }
  }

  private func loaded(_ result: Result<[Registration], JournalError>) {
    let waiting = content.withLock { content -> [LoadContinuation] in
      guard case .running(let waiting) = content.loading else { return [] }
      content.loading = .none
      if case .success(let registrations) = result {
        for registration in registrations { content[registration.consumer.key] = registration }
        content.loading = .done
      }
      return waiting
    }
    for continuation in waiting { continuation(result.map { _ in }) }
  }
}

extension [JournalBacklog] {
  /// The parked events that are to be given again, by workspace.
  var again: [WorkspaceID: [JournalOffset]] {
    let again = map { ($0.workspace, $0.parked.filter(\.comesAgain).map(\.offset)) }
    return Dictionary(again.filter { !$0.1.isEmpty }, uniquingKeysWith: { first, _ in first })
  }

  /// How far the consumer is, by workspace; one of all workspaces only where events follow.
  func positions(of key: JournalConsumer.Key) -> [WorkspaceID: JournalOffset] {
    let backlogs = key.workspace == nil ? filter { $0.position < $0.last } : self
    return Dictionary(backlogs.map { ($0.workspace, $0.position) }, uniquingKeysWith: { first, _ in first })
  }
}
