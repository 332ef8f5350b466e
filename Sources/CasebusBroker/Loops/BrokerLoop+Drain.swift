import NIOCore

/// Stopping: the sessions of a loop are closed in batches, so that neither this broker nor the one that they go to next has
/// them all at once.
extension BrokerLoop {
  /// How long a batch has before the next one is begun.
  private static var batchInterval: TimeAmount { .milliseconds(100) }
  /// So many sessions are closed at once, however much time there is.
  private static var batchSessionsMin: Int { 50 }

  /// Closes every session when what it asked for is answered, the last ones when four fifths of the time are over.
  func drain(within time: TimeAmount) {
    isDraining = true
    let batches = max(1, time.nanoseconds * 4 / 5 / Self.batchInterval.nanoseconds)
    let sessions = Array(sessions.values)
    let size = max(Self.batchSessionsMin, sessions.count / Int(batches) + 1)
    drain(sessions[...], batchSize: size)
  }

  /// Closes these sessions.
  func drain(_ sessions: some Sequence<Session>) {
    for session in sessions { session.drain(reconnectDelayMilliseconds: .random(in: 500...5_000)) }
  }

  /// Ends what is still there, without a closing handshake.
  func cutOff() {
    for session in sessions.values { session.sink.cutOff() }
  }

  private func drain(_ sessions: ArraySlice<Session>, batchSize: Int) {
    drain(sessions.prefix(batchSize))
    let rest = sessions.dropFirst(batchSize)
    guard !rest.isEmpty else { return }
    port.eventLoop.assumeIsolated().scheduleTask(in: Self.batchInterval) { self.drain(rest, batchSize: batchSize) }
  }
}
