import CasebusClient
import CasebusProtocol
import CasebusWorkspace

extension SimulatedAgent {
  /// Takes the steps of a scenario, one each turn, until it is cancelled.
  /// - Throws: ``ClientError`` if a connection is lost, `CancellationError`.
  func play(_ scenario: AgentScenario, pace: Pace) async throws {
    var scenario = scenario
    var pace = pace
    var refused: [Step] = []
    while true {
      try await pace.wait()
      let step = scenario.nextStep()
      let again = refused.isEmpty ? nil : refused.removeFirst()
      for step in [step, again].compactMap({ $0 }) where try await take(step) == .again { refused.append(step) }
    }
  }

  private enum OnStep {
    case done
    /// A mark done was refused that the agent insists on.
    case again
  }

  private func take(_ step: Step) async throws(ClientError) -> OnStep {
    guard !ended.contains(step.interactionID) else { return skip() }
    do {
      try await send(step.message)
    } catch .refused(let code, _) where code == ErrorCode.markdoneBlocked.rawValue && step.isMarkdone {
      tally.count(\.refusals)
      return step.action == .markdone ? .again : .done
    } catch .refused(let code, let message) {
      guard await !isEnded(step.interactionID) else { return skip() }
      tally.failed("\(workspace): \(step.action) of \(step.interactionID): \(message) (\(code))")
    }
    return .done
  }

  private func send(_ message: Step.Message) async throws(ClientError) {
    switch message {
    case .publish(let data):
      tally.count(\.publications)
      try await source.publish("interaction", data)
    case .request(let name, let parameters):
      tally.count(\.requests)
      _ = try await desktop.request(name, parameters)
    }
  }

  /// The interaction was marked done before its time; a real source would know.
  private func skip() -> OnStep {
    tally.count(\.skipped)
    return .done
  }

  /// Whether the desktop sees the end of an interaction within a second. It may come after the failure of a step that was
  /// on its way when it ended.
  private func isEnded(_ id: String) async -> Bool {
    for _ in 0..<20 where !ended.contains(id) { try? await Task.sleep(for: .milliseconds(50)) }
    return ended.contains(id)
  }
}

extension Step {
  fileprivate var isMarkdone: Bool { action == .tryMarkdone || action == .markdone }
}
