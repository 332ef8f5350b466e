import CasebusDeflate
import CasebusWebSocket
import NIOPosix

/// The deflaters that the connections of one event loop share; each loop is a thread, and has its own.
final class LoopDeflaters: Sendable {
  // Each thread sees its own value only.
  private nonisolated(unsafe) let deflaters = ThreadSpecificVariable<SharedDeflaters>()
  private let configuration: DeflateConfiguration

  init(_ configuration: DeflateConfiguration) {
    self.configuration = configuration
  }

  /// What a connection needs for the parameters that it agreed on; on its event loop.
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
