internal import CasebusWebSocket

/// The deflaters of one event loop, one per window size, made at first use. They keep no context between messages,
/// so all connections of the loop share them, and a message that is deflated once can go to many.
package final class SharedDeflaters {
  private let level: Int
  private var deflaters: [Int: Deflater] = [:]

  package init(level: Int = Deflater.defaultLevel) {
    self.level = level
  }

  /// - Parameter windowBits: 9 to 15.
  package func deflater(windowBits: Int) -> Deflater {
    if let deflater = deflaters[windowBits] { return deflater }
    let deflater = Deflater(.init(windowBits: windowBits, keepsContext: false), level: level)
    deflaters[windowBits] = deflater
    return deflater
  }
}

@available(*, unavailable)
extension SharedDeflaters: Sendable {}
