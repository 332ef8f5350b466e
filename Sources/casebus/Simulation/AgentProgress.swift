import Synchronization

/// How far an agent is in its scenario. It outlives connections: a step that was on its way when one was lost is taken
/// again, with the same `messageId`, so that it happens once (Protocol §5.5).
final class AgentProgress: Sendable {
  /// A step, on its way or before it.
  struct Attempt {
    var step: Step
    var messageID: String
  }

  private let state: Mutex<State>
  /// Of this run: a broker remembers those of the run before.
  private let run = UInt64.random(in: .min ... .max)

  private struct State {
    var scenario: AgentScenario
    /// What is still to be done of this turn.
    var turn: [Attempt] = []
    /// Mark dones that were refused and that the agent insists on.
    var refused: [Step] = []
    /// Interactions that a step was about and whose end was not seen.
    var begun: Set<String> = []
    var attempts = 0
  }

  init(_ scenario: AgentScenario) {
    state = Mutex(State(scenario: scenario))
  }

  /// The steps of a turn: the next one, and one that was refused before. After a lost connection what is left of the turn.
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

  /// The first step of the turn was taken.
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

  /// Those of which the broker knows nothing any more: they ended unseen, or its journal was memory.
  func takeLost(known: Set<String>) -> Set<String> {
    state.withLock { state in
      defer { state.begun.formIntersection(known) }
      return state.begun.subtracting(known)
    }
  }
}
