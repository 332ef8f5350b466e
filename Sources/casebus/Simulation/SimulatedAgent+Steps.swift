import CasebusClient
import CasebusProtocol
import CasebusWorkspace

extension SimulatedAgent {
  /// Takes the steps of the scenario, one each turn, until it is cancelled.
  /// - Throws: ``ClientError`` if a connection is lost, `CancellationError`.
  func play(_ clients: AgentClients, pace: Pace) async throws {
    var pace = pace
    while true {
      try await pace.wait()
      for attempt in progress.beginTurn() {
        let isRefused = try await take(attempt, clients) == .again
        progress.finished(isRefused: isRefused)
      }
    }
  }

  private enum OnStep {
    case done
    /// A mark done was refused, and the agent will try again.
    case again
  }

  private func take(_ attempt: AgentProgress.Attempt, _ clients: AgentClients) async throws(ClientError) -> OnStep {
    let step = attempt.step
    guard !ended.contains(step.interactionID) else { return skip() }
    do {
      try await send(step.message, attempt.messageID, clients)
    } catch .refused(let code, _) where code == ErrorCode.markdoneBlocked.rawValue && step.isMarkdone {
      tally.count(\.refusals)
      return step.action == .markdone ? .again : .done
    } catch .refused(let code, let message) {
      // The broker stops, or cannot write its journal: the step is repeated later.
      let error = ClientError.refused(code: code, message: message)
      guard !error.isWorthAnotherTry else { throw error }
      guard await !isEnded(step.interactionID) else { return skip() }
      tally.failed("\(workspace): \(step.action) of \(step.interactionID): \(message) (\(code))")
    }
    return .done
  }

  private func send(
    _ message: Step.Message, _ messageID: String, _ clients: AgentClients
  ) async throws(ClientError) {
    switch message {
    case .publish(let data):
      tally.count(\.publications)
      try await clients.source.publish("interaction", data, messageID: messageID)
    case .request(let name, let parameters):
      tally.count(\.requests)
      _ = try await clients.desktop.request(name, parameters, messageID: messageID)
    }
  }

  /// The interaction was marked done early; a real source would know.
  private func skip() -> OnStep {
    tally.count(\.skipped)
    return .done
  }

  /// Whether the desktop sees the end of an interaction within a second. The event can come after the failure of a step that
  /// was in flight.
  private func isEnded(_ id: String) async -> Bool {
    for _ in 0..<20 where !ended.contains(id) { try? await Task.sleep(for: .milliseconds(50)) }
    return ended.contains(id)
  }
}

extension Step {
  fileprivate var isMarkdone: Bool { action == .tryMarkdone || action == .markdone }
}
