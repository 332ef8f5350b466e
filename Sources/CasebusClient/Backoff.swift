/// How long a client waits before it connects again: at most twice as long each time, and a random part of that, so that
/// the clients of a broker that was restarted do not come back all at once (Protocol §2.5).
public struct Backoff: Hashable, Sendable {
  /// The longest wait before the first time.
  public var first: Duration
  /// The longest wait of all.
  public var longest: Duration

  public init(first: Duration = .milliseconds(200), longest: Duration = .seconds(30)) {
    self.first = first
    self.longest = longest
  }

  /// - Parameter failures: how many attempts have failed since the client last heard an event.
  public func delay(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
    limit(afterFailures: failures) * Double.random(in: 0.1...1, using: &random)
  }

  private func limit(afterFailures failures: Int) -> Duration {
    // 2^30 times the first wait is long enough for any. Multiplied whole, a long one would not fit into a Duration.
    let factor = 1 << min(max(0, failures), 30)
    return first > longest / factor ? longest : first * factor
  }
}
