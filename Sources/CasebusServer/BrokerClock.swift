import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The broker's time: the wall clock at its start plus the monotonic clock since.
///
/// The wall clock can be set while the broker runs. The broker's time never jumps and never goes back, so time spans
/// measured with it are right; it follows the wall clock slowly (Docs/decisions/0014-a-clock-that-does-not-jump.md).
package final class BrokerClock: Sendable {
  private let wall: @Sendable () -> Int64
  private let monotonic: @Sendable () -> Int64
  /// The broker's time minus the monotonic clock, nanoseconds.
  private let offset: Atomic<Int64>
  /// When the wall clock was last read, nanoseconds of the monotonic clock.
  private let looked: Atomic<Int64>
  /// The latest time that was returned, milliseconds since 1970.
  private let latest: Atomic<Int64>

  private static var lookIntervalNanoseconds: Int64 { 100_000_000 }

  package convenience init() {
    self.init(wall: { Self.read(CLOCK_REALTIME) }, monotonic: { Self.read(CLOCK_MONOTONIC) })
  }

  /// - Parameters:
  ///   - wall: nanoseconds since 1970.
  ///   - monotonic: nanoseconds since some moment; never goes back.
  init(wall: @escaping @Sendable () -> Int64, monotonic: @escaping @Sendable () -> Int64) {
    self.wall = wall
    self.monotonic = monotonic
    let now = monotonic()
    offset = Atomic(wall() - now)
    looked = Atomic(now)
    latest = Atomic(.min)
  }

  /// The time, milliseconds since 1970. From any thread; never less than an earlier result on any thread.
  package var milliseconds: Int64 {
    let now = monotonic()
    if now - looked.load(ordering: .relaxed) >= Self.lookIntervalNanoseconds { followWall(at: now) }
    let time = (now + offset.load(ordering: .relaxed)) / 1_000_000
    // Written once per millisecond, read by all threads.
    guard time > latest.load(ordering: .relaxed) else { return latest.load(ordering: .relaxed) }
    return latest.max(time, ordering: .relaxed).newValue
  }

  private func followWall(at now: Int64) {
    let last = looked.load(ordering: .relaxed)
    // One thread corrects the offset; the others use the old one meanwhile.
    guard now > last, looked.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged else { return }
    let difference = wall() - (now + offset.load(ordering: .relaxed))
    offset.add(ClockSlew.correction(of: difference, elapsed: now - last), ordering: .relaxed)
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// The rate at which one clock follows another one.
enum ClockSlew {
  /// A time span is at most 1 % longer or shorter.
  private static var rateDivisor: Int64 { 100 }

  /// - Parameters:
  ///   - difference: how much the other clock is ahead; negative if it is behind.
  ///   - elapsed: how much time has passed since the last correction.
  /// - Returns: the correction to add to the clock.
  static func correction(of difference: Int64, elapsed: Int64) -> Int64 {
    let most = elapsed / rateDivisor
    return min(most, max(-most, difference))
  }
}
