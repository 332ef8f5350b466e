/// The pace of an agent: one step per turn.
struct Pace {
  /// How far an agent can be behind and still catch up; a longer delay is dropped, to avoid a burst.
  private static let lagMax = Duration.seconds(1)

  private let turn: Duration
  private var next: ContinuousClock.Instant

  init(turn: Duration, start: ContinuousClock.Instant) {
    self.turn = turn
    next = start
  }

  /// Waits for the agent's turn.
  /// - Throws: `CancellationError`.
  mutating func wait() async throws {
    try await ContinuousClock().sleep(until: next)
    next = max(next.advanced(by: turn), .now - Self.lagMax)
  }
}
