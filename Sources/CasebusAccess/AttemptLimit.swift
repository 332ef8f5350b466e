/// Counts attempts, such as failed logins, for each address in a sliding minute.
///
/// The count is that of this minute and a share of the last one's, so that two numbers for each address are enough. The table
/// has a limit: when it is full, the older minute is forgotten early.
package struct AttemptLimit: Sendable {
  private let perMinute: Int
  private let addressesMax: Int
  private var minute: Int64 = 0
  private var current: [AddressNetwork: Int] = [:]
  private var previous: [AddressNetwork: Int] = [:]

  private static let minuteMilliseconds: Int64 = 60_000

  /// - Parameters:
  ///   - perMinute: attempts of one address; 0 for any number.
  ///   - addressesMax: `attemptAddressesMax` of `registry/limits.json`.
  package init(perMinute: Int, addressesMax: Int = 65_536) {
    self.perMinute = perMinute
    self.addressesMax = addressesMax
  }

  package enum OnAttempt: Hashable, Sendable {
    case allow
    case refuse(delayMilliseconds: Int64)
  }

  /// Whether the address may try; counts nothing.
  /// - Parameter now: milliseconds of a clock that does not jump.
  package mutating func attempt(from address: AddressNetwork, at now: Int64) -> OnAttempt {
    guard perMinute > 0 else { return .allow }
    turn(to: now)
    guard count(of: address, at: now) >= perMinute else { return .allow }
    return .refuse(delayMilliseconds: delay(of: address, at: now))
  }

  /// Counts an attempt, or only the failed ones: as the caller chooses.
  package mutating func attemptCounted(from address: AddressNetwork, at now: Int64) {
    guard perMinute > 0 else { return }
    turn(to: now)
    if current[address] == nil, current.count >= addressesMax / 2 { (previous, current) = (current, [:]) }
    // A count above the limit tells nothing more, and would outlast its minute.
    current[address] = min(perMinute, current[address, default: 0] + 1)
  }

  /// The addresses in memory.
  package var addressCount: Int { current.count + previous.count }

  private mutating func turn(to now: Int64) {
    let minute = now / Self.minuteMilliseconds
    guard minute != self.minute else { return }
    previous = minute == self.minute + 1 ? current : [:]
    current = [:]
    self.minute = minute
  }

  private func count(of address: AddressNetwork, at now: Int64) -> Int {
    let rest = Self.minuteMilliseconds - now % Self.minuteMilliseconds
    let share = Int64(previous[address] ?? 0) * rest / Self.minuteMilliseconds
    return (current[address] ?? 0) + Int(share)
  }

  /// When the count is below the limit again.
  private func delay(of address: AddressNetwork, at now: Int64) -> Int64 {
    let elapsed = now % Self.minuteMilliseconds
    let now = current[address] ?? 0
    let earlier = previous[address] ?? 0
    // In the next minute this minute's count is the earlier one.
    guard now < perMinute, earlier > 0 else { return Self.minuteMilliseconds - elapsed + 1 }
    // The share must be below perMinute - now: earlier * (minute - t) / minute < perMinute - now.
    let rest = Int64(perMinute - now) * Self.minuteMilliseconds / Int64(earlier)
    return max(1, Self.minuteMilliseconds - rest - elapsed + 1)
  }
}
