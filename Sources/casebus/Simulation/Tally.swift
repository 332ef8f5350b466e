import CasebusProtocol
import Synchronization

/// The counts of a simulation, over all agents.
final class Tally: Sendable {
  struct Counts: Hashable {
    /// Publishes of the sources.
    var publications = 0
    /// Requests of the desktops.
    var requests = 0
    /// Requests of the bots.
    var botRequests = 0
    /// Mark dones that a block refused, as expected.
    var refusals = 0
    /// Events that desktops and bots received.
    var events = 0
    /// Skipped steps, because their interaction had ended early: by another client, or by a hasty agent before a bot blocked
    /// it.
    var skipped = 0
    /// How often an agent's connections were lost.
    var reconnections = 0
    /// Failures that the scripts do not expect.
    var errors = 0
  }

  /// The number of errors that are reported as they happen; later ones tend to be alike.
  private static let errorsReportedMax = 10

  private let state = Mutex((counts: Counts(), firstError: String?.none))
  private let report: @Sendable (String) -> Void

  /// An agent will reconnect; only the first of many lost connections are reported, because they are lost together.
  func connectionLost(_ text: String) {
    let losses = state.withLock { state in
      state.counts.reconnections += 1
      return state.counts.reconnections
    }
    if losses <= Self.errorsReportedMax { report(text) }
  }

  /// - Parameter report: called with each of the first errors.
  init(report: @escaping @Sendable (String) -> Void) {
    self.report = report
  }

  var counts: Counts { state.withLock { $0.counts } }
  var firstError: String? { state.withLock { $0.firstError } }

  func count(_ what: WritableKeyPath<Counts, Int>) {
    state.withLock { $0.counts[keyPath: what] += 1 }
  }

  func failed(_ text: String) {
    let errors = state.withLock { state in
      state.counts.errors += 1
      if state.firstError == nil { state.firstError = text }
      return state.counts.errors
    }
    if errors <= Self.errorsReportedMax { report("error: \(text)") }
  }
}

extension Tally.Counts: CustomStringConvertible {
  var description: String {
    var text =
      "published \(publications), requested \(requests) (mark dones refused: \(refusals)), "
      + "requested by bots \(botRequests), events received \(events), errors \(errors)"
    if reconnections > 0 { text += ", connected again \(reconnections)" }
    if skipped > 0 { text += ", steps skipped \(skipped) (their interaction was marked done before)" }
    return text
  }
}
