/// Counts the peer's pings in windows of one minute.
struct PingRate {
  private static let windowNanoseconds: Int64 = 60_000_000_000

  private var windowStart: Int64 = 0
  private var pings = 0

  /// - Returns: whether the ping is within the limit.
  mutating func pingReceived(at now: Int64, limit: Int) -> Bool {
    if pings == 0 || now - windowStart >= Self.windowNanoseconds {
      windowStart = now
      pings = 0
    }
    pings += 1
    return pings <= limit
  }
}
