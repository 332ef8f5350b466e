import CasebusBroker
import CasebusJournal
import NIOCore
import ServiceLifecycle
import Synchronization

/// Whether new sessions are accepted (`GET /ready`).
final class Readiness: Sendable {
  private let journal: any EventJournal
  private let isEnding = Atomic(false)

  init(journal: any EventJournal) {
    self.journal = journal
  }

  /// Why they are not accepted; nil if they are.
  var obstacle: String? {
    if isEnding.load(ordering: .relaxed) { return "the broker is stopping" }
    return switch journal.health {
    case .available: nil
    case .unavailable(let reason): "the journal fails: \(reason)"
    }
  }

  func end() {
    isEnding.store(true, ordering: .relaxed)
  }
}

/// Ends the sessions when the server stops.
struct BrokerDrain: Service {
  let broker: Broker
  let seconds: Int

  func run() async throws {
    try? await gracefulShutdown()
    broker.drain(within: .seconds(Int64(seconds)))
    await noSessions(within: .seconds(seconds))
    guard broker.sessionCount > 0 else { return }
    broker.cutOff()
    await noSessions(within: .seconds(1))
  }

  private func noSessions(within time: Duration) async {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: time)
    while broker.sessionCount > 0, clock.now < deadline {
      try? await Task.sleep(for: .milliseconds(10))
    }
  }
}
