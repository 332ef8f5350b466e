/// A connection whose peer can lag.
protocol Lagging: AnyObject {
  /// The place of the connection; for ``LaggingConnections`` only.
  var lagPlace: LaggingConnections.Place? { get set }

  /// The memory of its queue is needed elsewhere: cut the connection off. From now on it has 0 bytes queued.
  func cutOffAsSlow(reason: String)
}

/// The connections of one event loop whose peers lag, sorted roughly by their queued bytes.
///
/// Setting a connection and finding the slowest take a constant number of steps, because they happen with each write to
/// a lagging connection, just when there is the most to do.
final class LaggingConnections {
  struct Place {
    fileprivate var bucket: Int32
    fileprivate var index: Int32
  }

  /// The values in one bucket differ by at most a quarter of a power of two.
  private var buckets = [[any Lagging]](repeating: [], count: (Int.bitWidth + 1) * bucketsPerPower)
  private static var bucketsPerPower: Int { 4 }

  /// Sets the queued bytes of a connection; 0 when it does not lag (any more).
  func set(_ connection: any Lagging, to bytes: Int) {
    let bucket = bytes > 0 ? Int32(Self.bucket(of: bytes)) : nil
    guard connection.lagPlace?.bucket != bucket else { return }
    remove(connection)
    guard let bucket else { return }
    connection.lagPlace = Place(bucket: bucket, index: Int32(buckets[Int(bucket)].count))
    buckets[Int(bucket)].append(connection)
  }

  /// The connection with the most queued bytes, to within a fifth.
  var slowest: (any Lagging)? {
    buckets.last { !$0.isEmpty }?.last
  }

  private func remove(_ connection: any Lagging) {
    guard let place = connection.lagPlace else { return }
    connection.lagPlace = nil
    let last = buckets[Int(place.bucket)].removeLast()
    guard last !== connection else { return }
    buckets[Int(place.bucket)][Int(place.index)] = last
    last.lagPlace = place
  }

  private static func bucket(of bytes: Int) -> Int {
    let power = Int.bitWidth - 1 - bytes.leadingZeroBitCount
    // The two bits after the highest one.
    let quarter = (power >= 2 ? bytes >> (power - 2) : bytes << (2 - power)) & (bucketsPerPower - 1)
    return power * bucketsPerPower + quarter
  }
}

@available(*, unavailable)
extension LaggingConnections: Sendable {}

extension WebSocketHandler: Lagging {}
