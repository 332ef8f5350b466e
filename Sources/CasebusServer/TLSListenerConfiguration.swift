package import CasebusTLS

#if canImport(Glibc)
  import Glibc
#endif

/// A listener for TLS: its port and where its certificates are. The defaults of numbers are those of
/// `Protocol/registry/limits.json`.
package struct TLSListenerConfiguration: Sendable {
  /// The files of one certificate.
  package struct Files: Hashable, Sendable {
    /// The certificate, then its chain (PEM).
    package var certificate: String
    /// The private key (PEM).
    package var key: String
    /// A file whose first line is the passphrase of the key.
    package var passphrase: String?
    /// An OCSP response for the certificate (DER), sent to clients that request it.
    package var staple: String?

    package init(certificate: String, key: String, passphrase: String? = nil, staple: String? = nil) {
      self.certificate = certificate
      self.key = key
      self.passphrase = passphrase
      self.staple = staple
    }
  }

  /// The port to listen on; 0: the system chooses.
  package var port: Int
  /// Each is used for the host names of its certificate; the first one also for all other names.
  package var files: [Files]
  package var clientCertificates = TLSServerConfiguration.ClientCertificates.none
  package var protocols = TLSProtocolConfiguration()
  /// How long a handshake can take (`tlsHandshakeTimeoutSeconds`).
  package var handshakeTimeoutSeconds = 10
  /// Concurrent handshakes of one event loop (`tlsHandshakesMax`).
  package var handshakesMax = 256
  /// How long a TLS session can be resumed without a full handshake (`tlsTicketSeconds`).
  package var ticketSeconds = 7200
  /// How often the files are checked for changes.
  package var reloadIntervalSeconds = 5

  package init(port: Int, files: [Files]) {
    self.port = port
    self.files = files
  }

  /// All files that are read.
  var allFiles: [String] {
    let authorities: [String] =
      switch clientCertificates {
      case .none: []
      case .optional(let file), .required(let file): [file]
      }
    return files.flatMap { [$0.certificate, $0.key, $0.passphrase, $0.staple].compactMap(\.self) } + authorities
  }

  /// Reads the files.
  /// - Parameter predecessor: the context in use until now.
  func load(replacing predecessor: TLSContext? = nil) throws(TLSConfigurationError) -> TLSContext {
    var identities: [TLSIdentity] = []
    for files in files { identities.append(try files.load()) }
    var server = TLSServerConfiguration(identities: identities)
    server.clientCertificates = clientCertificates
    server.protocols = protocols
    server.ticketSeconds = ticketSeconds
    return try TLSContext(server: server, replacing: predecessor)
  }
}

extension TLSListenerConfiguration.Files {
  fileprivate func load() throws(TLSConfigurationError) -> TLSIdentity {
    let passphrase: String? = if let file = self.passphrase { try firstLine(of: file) } else { nil }
    return try TLSIdentity(certificateFile: certificate, keyFile: key, passphrase: passphrase, stapleFile: staple)
  }

  private func firstLine(of file: String) throws(TLSConfigurationError) -> String {
    guard let stream = fopen(file, "r") else {
      throw TLSConfigurationError(file, "it cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { fclose(stream) }
    var line = [CChar](repeating: 0, count: 1025)
    guard fgets(&line, Int32(line.count), stream) != nil else {
      throw TLSConfigurationError(file, "there is no passphrase in its first line")
    }
    let bytes = line.prefix { $0 != 0 && $0 != 10 && $0 != 13 }.map { UInt8(bitPattern: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
