import CasebusDeflate
import CasebusWebSocket
import NIOPosix

/// The deflaters that the connections of one event loop share.
final class LoopDeflaters: Sendable {
  // Each event loop is a thread and has its own value.
  private nonisolated(unsafe) let deflaters = ThreadSpecificVariable<SharedDeflaters>()
  private let configuration: DeflateConfiguration

  init(_ configuration: DeflateConfiguration) {
    self.configuration = configuration
  }

  /// The compression for a connection's negotiated parameters; on its event loop.
  func compression(for agreement: DeflateAgreement) -> MessageCompression {
    .server(agreement, thresholdBytes: configuration.thresholdBytes, deflaters: ofThisLoop)
  }

  private var ofThisLoop: SharedDeflaters {
    if let deflaters = deflaters.currentValue { return deflaters }
    let new = SharedDeflaters(level: configuration.level)
    deflaters.currentValue = new
    return new
  }
}
