import Synchronization

/// An agent's progress in its scenario. It outlives connections: a step that was in flight when a connection was lost is sent
/// again with the same `messageId`, so that it happens once (Protocol §5.5).
final class AgentProgress: Sendable {
  /// A step that is in flight or not yet sent.
  struct Attempt {
    var step: Step
    var messageID: String
  }

  private let state: Mutex<State>
  /// Unique for this run, because a broker remembers the ids of an earlier run.
  private let run = UInt64.random(in: .min ... .max)

  private struct State {
    var scenario: AgentScenario
    /// The remaining steps of this turn.
    var turn: [Attempt] = []
    /// Refused mark dones that the agent tries again.
    var refused: [Step] = []
    /// Interactions of earlier steps whose end was not seen.
    var begun: Set<String> = []
    var attempts = 0
  }

  init(_ scenario: AgentScenario) {
    state = Mutex(State(scenario: scenario))
  }

  /// The steps of a turn: the next one, and one that was refused before. After a lost connection: the rest of the turn.
  func beginTurn() -> [Attempt] {
    state.withLock { state in
      guard state.turn.isEmpty else { return state.turn }
      let steps = [state.scenario.nextStep()] + (state.refused.isEmpty ? [] : [state.refused.removeFirst()])
      state.turn = steps.map { step in
        state.attempts += 1
        return Attempt(step: step, messageID: "sim-\(String(run, radix: 36))-\(state.attempts)")
      }
      return state.turn
    }
  }

  /// The first step of the turn is done.
  func finished(isRefused: Bool) {
    state.withLock { state in
      let step = state.turn.removeFirst().step
      state.begun.insert(step.interactionID)
      if isRefused { state.refused.append(step) }
    }
  }

  func ended(_ id: String) {
    _ = state.withLock { $0.begun.remove(id) }
  }

  /// Interactions that the broker no longer knows: they ended unseen, or its journal was in memory.
  func takeLost(known: Set<String>) -> Set<String> {
    state.withLock { state in
      defer { state.begun.formIntersection(known) }
      return state.begun.subtracting(known)
    }
  }
}
