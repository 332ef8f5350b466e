package import CasebusTLS
import CasebusTransport
package import Logging
import Synchronization

/// The TLS side of a server whose certificates can be replaced while it runs: new connections get the new ones, open
/// ones keep theirs. Invalid files change nothing.
package final class ReloadingTLS: Sendable {
  let configuration: TLSListenerConfiguration
  let listener: ListenerTLS
  private let files: Mutex<Files>
  private let logger: Logger

  private struct Files {
    /// The stamps when the files were last read, successfully or not.
    var read: FileStamps
    /// The stamps of the last check.
    var seen: FileStamps
  }

  /// Reads the certificates.
  /// - Throws: the name of the invalid file, and the reason.
  package init(_ configuration: TLSListenerConfiguration, logger: Logger) throws(TLSConfigurationError) {
    self.configuration = configuration
    self.logger = logger
    let stamps = FileStamps(of: configuration.allFiles)
    files = Mutex(Files(read: stamps, seen: stamps))
    listener = ListenerTLS(
      try configuration.load(), handshakeTimeoutSeconds: configuration.handshakeTimeoutSeconds,
      handshakesMax: configuration.handshakesMax, logger: logger)
  }

  /// Reads the certificates again.
  /// - Returns: false if they are invalid; then the old ones stay in use.
  @discardableResult package func reload() -> Bool {
    let stamps = FileStamps(of: configuration.allFiles)
    files.withLock { $0 = Files(read: stamps, seen: stamps) }
    do throws(TLSConfigurationError) {
      let context = try configuration.load(replacing: listener.context)
      listener.replace(context)
      let certificates = context.identities.map { "\($0.subject) until \($0.expiry)" }.joined(separator: "; ")
      logger.notice("TLS certificates reloaded", metadata: ["certificates": "\(certificates)"])
      return true
    } catch {
      logger.error("TLS certificates not reloaded, the old ones stay in use", metadata: ["reason": "\(error)"])
      return false
    }
  }

  /// Reads the certificates again if the files have changed since the last reading, but not since the last check:
  /// several files are replaced one after the other.
  func reloadIfChanged() {
    let now = FileStamps(of: configuration.allFiles)
    let isDue = files.withLock { files in
      defer { files.seen = now }
      return now != files.read && now == files.seen
    }
    if isDue { reload() }
  }
}
