public import ArgumentParser
import CasebusConsole
import CasebusServer
public import CasebusTLS

/// The TLS side of a broker.
struct TLSOptions: ParsableArguments {
  enum ClientCertificates: String, ExpressibleByArgument, CaseIterable {
    case required
    case optional
  }

  @Option(
    help: ArgumentHelp(
      "Listen for wss:// and https:// on this port, 0 to 65535; 0 lets the system choose one.", valueName: "port"))
  var tlsPort: Int?

  @Option(
    help: ArgumentHelp(
      "The certificate and its chain (PEM). Repeatable: each is for its host names, the first also for others.",
      valueName: "file"))
  var tlsCertificate: [String] = []

  @Option(help: ArgumentHelp("The private key (PEM); one for each certificate, in the same order.", valueName: "file"))
  var tlsKey: [String] = []

  @Option(
    help: ArgumentHelp("The first line of this file is the passphrase of encrypted keys.", valueName: "file"))
  var tlsKeyPassphraseFile: String?

  @Option(
    help: ArgumentHelp("An OCSP response (DER) for the first certificate.", valueName: "file"))
  var tlsOcspStaple: String?

  @Option(help: ArgumentHelp("Ask clients for a certificate of these authorities (PEM).", valueName: "file"))
  var tlsClientCa: String?

  @Option(help: "With --tls-client-ca: whether clients without a certificate are refused.")
  var tlsClientCertificates = ClientCertificates.required

  @Option(help: ArgumentHelp("The lowest version of TLS.", valueName: "version"))
  var tlsMinimumVersion = TLSVersion.tls12

  @Option(help: ArgumentHelp("The suites of TLS 1.2, in OpenSSL's syntax.", valueName: "list"))
  var tlsCiphers: String?

  @Option(help: ArgumentHelp("The suites of TLS 1.3, in OpenSSL's syntax.", valueName: "list"))
  var tlsCipherSuites: String?

  @Option(help: ArgumentHelp("The groups for the key exchange, in OpenSSL's syntax.", valueName: "list"))
  var tlsGroups: String?

  @Option(help: ArgumentHelp("How long a TLS handshake may take, 1 to 86400 seconds.", valueName: "seconds"))
  var tlsHandshakeTimeout = 10

  @Option(
    help: ArgumentHelp(
      "How many TLS handshakes may be in progress on one event loop, 1 to 10000000.", valueName: "count"))
  var tlsHandshakesMax = 256

  @Flag(help: "Listen for TLS only, not on --port.")
  var noPlain = false

  func validate() throws {
    try checkRange("--tls-handshake-timeout", tlsHandshakeTimeout, .timerSeconds)
    try checkRange("--tls-handshakes-max", tlsHandshakesMax, .count)
    guard let tlsPort else { return try checkNothingElseIsSet() }
    try checkRange("--tls-port", tlsPort, 0...65_535)
    guard tlsCertificate.count == tlsKey.count else {
      throw ValidationError(
        "there are \(tlsCertificate.count) --tls-certificate and \(tlsKey.count) --tls-key, expected one key for each")
    }
  }

  private func checkNothingElseIsSet() throws {
    let names = [
      "--tls-certificate": !tlsCertificate.isEmpty, "--tls-key": !tlsKey.isEmpty, "--tls-client-ca": tlsClientCa != nil,
      "--no-plain": noPlain,
    ]
    if let name = names.filter(\.value).keys.min() { throw ValidationError("\(name) needs --tls-port") }
  }

  /// - Returns: nil without `--tls-port`.
  var configuration: TLSListenerConfiguration? {
    guard let tlsPort else { return nil }
    var configuration = TLSListenerConfiguration(port: tlsPort, files: files)
    configuration.clientCertificates = clientCertificates
    configuration.protocols.minimumVersion = tlsMinimumVersion
    if let tlsCiphers { configuration.protocols.ciphers = tlsCiphers }
    configuration.protocols.cipherSuites = tlsCipherSuites
    configuration.protocols.groups = tlsGroups
    configuration.handshakeTimeoutSeconds = tlsHandshakeTimeout
    configuration.handshakesMax = tlsHandshakesMax
    return configuration
  }

  private var files: [TLSListenerConfiguration.Files] {
    zip(tlsCertificate, tlsKey).enumerated().map { index, pair in
      TLSListenerConfiguration.Files(
        certificate: pair.0, key: pair.1, passphrase: tlsKeyPassphraseFile, staple: index == 0 ? tlsOcspStaple : nil)
    }
  }

  private var clientCertificates: TLSServerConfiguration.ClientCertificates {
    guard let tlsClientCa else { return .none }
    return switch tlsClientCertificates {
    case .required: .required(authorityFile: tlsClientCa)
    case .optional: .optional(authorityFile: tlsClientCa)
    }
  }
}

extension TLSVersion: ExpressibleByArgument {}
