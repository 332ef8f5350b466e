package import CasebusBroker
package import CasebusTransport
import CasebusWebSocket

/// The settings of a server. The defaults are those of `Protocol/registry/limits.json`.
package struct BrokerServerConfiguration: Sendable {
  /// The address to listen on.
  package var host = "127.0.0.1"
  /// The port to listen on without TLS; 0: the system chooses; nil: none.
  package var port: Int? = 8080
  /// How long a stop can take, seconds: then sessions that have not answered their close frame are cut off.
  package var drainSeconds = 5
  package var broker = BrokerConfiguration()
  package var connection = ConnectionConfiguration()

  /// Sets the greatest size of a message and of a frame (`messageBytesMax`, `frameBytesMax`).
  package mutating func setMessageBytesMax(_ bytes: Int) {
    connection.limits.messageBytesMax = bytes
    // Deflating can make a message a little longer.
    connection.limits.frameBytesMax = bytes + bytes / 8 + 64
  }

  /// Sets how messages are deflated; nil: not at all.
  package mutating func setDeflate(_ deflate: DeflateConfiguration?) {
    connection.deflate = deflate
    guard let deflate else { return }
    broker.deflateLevel = deflate.level
    broker.deflateThresholdBytes = deflate.thresholdBytes
  }

  package init() {}
}
