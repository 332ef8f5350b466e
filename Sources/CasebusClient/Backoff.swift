/// The delay before a client connects again: the maximum doubles each time, and the delay is a random part of it, so that
/// the clients of a restarted broker do not reconnect at the same time (Protocol §2.5).
public struct Backoff: Hashable, Sendable {
  /// The maximum delay before the first attempt.
  public var first: Duration
  /// The maximum delay before any attempt.
  public var longest: Duration

  /// - Parameters:
  ///   - first: the maximum delay before the first attempt.
  ///   - longest: the maximum delay before any attempt.
  public init(first: Duration = .milliseconds(200), longest: Duration = .seconds(30)) {
    self.first = first
    self.longest = longest
  }

  /// A random delay.
  /// - Parameter failures: the number of failed attempts since the client last got an event.
  public func delay(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
    limit(afterFailures: failures) * Double.random(in: 0.1...1, using: &random)
  }

  private func limit(afterFailures failures: Int) -> Duration {
    // 2^30 times the first delay is long enough. A larger factor could overflow a Duration.
    let factor = 1 << min(max(0, failures), 30)
    return first > longest / factor ? longest : first * factor
  }
}
