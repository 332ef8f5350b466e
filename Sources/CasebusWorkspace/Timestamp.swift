/// A moment as milliseconds since 1970-01-01T00:00:00Z. The state machine never reads a clock.
package struct Timestamp: Hashable, Comparable, Sendable {
  package var milliseconds: Int64

  package init(milliseconds: Int64) {
    self.milliseconds = milliseconds
  }

  package static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

  /// A later moment. Times also come from journals, which can contain anything: a sum that overflows becomes the
  /// nearest moment.
  package func advanced(byMilliseconds interval: Int64) -> Timestamp {
    let (sum, overflows) = milliseconds.addingReportingOverflow(interval)
    return Timestamp(milliseconds: overflows ? (interval < 0 ? .min : .max) : sum)
  }

  /// Milliseconds from the other moment to this one; negative if this one is earlier.
  package func milliseconds(since other: Timestamp) -> Int64 {
    let (span, overflows) = milliseconds.subtractingReportingOverflow(other.milliseconds)
    return overflows ? (other.milliseconds > 0 ? .min : .max) : span
  }
}
