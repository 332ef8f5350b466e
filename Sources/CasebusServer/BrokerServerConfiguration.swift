package import CasebusBroker
package import CasebusTransport
import CasebusWebSocket

/// Everything that can be set for a server. Each value has the default of `Protocol/registry/limits.json`.
package struct BrokerServerConfiguration: Sendable {
  /// The address to listen on.
  package var host = "127.0.0.1"
  /// The port to listen on without TLS; 0 lets the system choose one, nil is for none.
  package var port: Int? = 8080
  /// How long a stop may take, seconds: then sessions that have not answered their close frame are cut off.
  package var drainSeconds = 5
  package var broker = BrokerConfiguration()
  package var connection = ConnectionConfiguration()

  /// Sets the bytes that one message may have, and those of a frame (`messageBytesMax`, `frameBytesMax`).
  package mutating func setMessageBytesMax(_ bytes: Int) {
    connection.limits.messageBytesMax = bytes
    // A message that does not get shorter by deflating gets a little longer.
    connection.limits.frameBytesMax = bytes + bytes / 8 + 64
  }

  /// Sets whether and how messages are deflated; nil for not at all.
  package mutating func setDeflate(_ deflate: DeflateConfiguration?) {
    connection.deflate = deflate
    guard let deflate else { return }
    broker.deflateLevel = deflate.level
    broker.deflateThresholdBytes = deflate.thresholdBytes
  }

  package init() {}
}
