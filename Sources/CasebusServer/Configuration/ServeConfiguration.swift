import CasebusBroker
package import CasebusSQLite
import CasebusTLS
package import CasebusTransport
import CasebusWebSocket
package import Logging

/// Everything that can be set for `casebus serve`. ``ConfigurationTable`` has a key for each value; the values here are
/// the defaults.
package struct ServeConfiguration: Sendable {
  /// Where events are kept.
  package enum Storage: String, CaseIterable, Sendable {
    case sqlite
    case memory
  }

  package var server = BrokerServerConfiguration()
  package var port = 8080
  /// Whether `port` is listened on.
  package var isPlain = true
  package var tls = TLSSettings()
  package var storage = Storage.sqlite
  package var journal = SQLiteJournalConfiguration(directory: "./casebus-data")
  /// Of the memory journal, per workspace (`journalMemoryEventsMax`, `journalMemoryBytesMax`).
  package var memoryJournalEventsMax = 1000
  package var memoryJournalBytesMax = 4 << 20
  package var messageBytesMax = 65_536
  /// nil: an eighth more than `messageBytesMax`.
  package var frameBytesMax: Int?
  package var isDeflating = true
  package var deflate = DeflateConfiguration()
  package var logLevel = Logger.Level.notice

  package init() {}

  /// The journal and the broker must remember answers equally long.
  package var messageIDWindowSeconds: Int {
    get { server.broker.messageIDWindowSeconds }
    set {
      server.broker.messageIDWindowSeconds = newValue
      journal.messageIDWindowSeconds = Int64(newValue)
    }
  }

  package var messageIDsPerWorkspaceMax: Int {
    get { server.broker.messageIDsPerWorkspaceMax }
    set {
      server.broker.messageIDsPerWorkspaceMax = newValue
      journal.messageIDsPerWorkspaceMax = UInt64(newValue)
    }
  }

  /// What ``BrokerServer`` takes.
  package var serverConfiguration: BrokerServerConfiguration {
    var configuration = server
    configuration.port = isPlain ? port : nil
    configuration.setMessageBytesMax(messageBytesMax)
    if let frameBytesMax { configuration.connection.limits.frameBytesMax = frameBytesMax }
    configuration.setDeflate(isDeflating ? deflate : nil)
    return configuration
  }

  /// What is wrong with values that are each right by themselves; nil if they fit together.
  /// - Parameter hasOwnCertificate: TLS uses a certificate that is not configured (`casebus demo --tls`).
  package func fault(hasOwnCertificate: Bool = false) -> String? {
    server.broker.fault ?? tls.fault(isPlain: isPlain, hasOwnCertificate: hasOwnCertificate)
  }
}

/// The TLS side of a broker as it is configured.
package struct TLSSettings: Sendable {
  package enum ClientCertificates: String, CaseIterable, Sendable {
    case required
    case optional
  }

  /// nil: TLS is off.
  package var port: Int?
  package var certificateFiles: [String] = []
  package var keyFiles: [String] = []
  package var keyPassphraseFile: String?
  package var stapleFile: String?
  package var clientAuthorityFile: String?
  package var clientCertificates = ClientCertificates.required
  /// The values that need no conversion; its port and files are those above.
  package var listener = TLSListenerConfiguration(port: 0, files: [])

  package init() {}

  /// What a listener takes; nil without a port.
  package var listenerConfiguration: TLSListenerConfiguration? {
    guard let port else { return nil }
    var configuration = listener
    configuration.port = port
    configuration.files = zip(certificateFiles, keyFiles).enumerated().map { index, pair in
      TLSListenerConfiguration.Files(
        certificate: pair.0, key: pair.1, passphrase: keyPassphraseFile, staple: index == 0 ? stapleFile : nil)
    }
    if let clientAuthorityFile {
      configuration.clientCertificates =
        switch clientCertificates {
        case .required: .required(authorityFile: clientAuthorityFile)
        case .optional: .optional(authorityFile: clientAuthorityFile)
        }
    }
    return configuration
  }

  fileprivate func fault(isPlain: Bool, hasOwnCertificate: Bool) -> String? {
    guard port != nil else { return faultWithoutPort(isPlain: isPlain) }
    guard certificateFiles.count == keyFiles.count else {
      return "there are \(certificateFiles.count) --tls-certificate and \(keyFiles.count) --tls-key, "
        + "expected one key for each (keys tls.certificates, tls.keys)"
    }
    guard hasOwnCertificate || !certificateFiles.isEmpty else {
      return "--tls-port needs --tls-certificate and --tls-key (keys tls.port, tls.certificates, tls.keys)"
    }
    return nil
  }

  private func faultWithoutPort(isPlain: Bool) -> String? {
    let settings = [
      ("--tls-certificate", "tls.certificates", !certificateFiles.isEmpty),
      ("--tls-key", "tls.keys", !keyFiles.isEmpty),
      ("--tls-client-ca", "tls.client-ca", clientAuthorityFile != nil), ("--no-plain", "listen.plain", !isPlain),
    ]
    return settings.first(where: \.2).map { "\($0.0) needs --tls-port (keys \($0.1), tls.port)" }
  }
}
