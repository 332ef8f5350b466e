import ArgumentParser

/// The TLS side of a broker.
struct TLSOptions: ParsableArguments {
  @Option(help: .key("tls.port")) var tlsPort: String?
  @Option(help: .key("tls.certificates")) var tlsCertificate: [String] = []
  @Option(help: .key("tls.keys")) var tlsKey: [String] = []
  @Option(help: .key("tls.key-passphrase-file")) var tlsKeyPassphraseFile: String?
  @Option(help: .key("tls.ocsp-staple")) var tlsOcspStaple: String?
  @Option(help: .key("tls.client-ca")) var tlsClientCa: String?
  @Option(help: .key("tls.client-certificates")) var tlsClientCertificates: String?
  @Option(help: .key("tls.minimum-version")) var tlsMinimumVersion: String?
  @Option(help: .key("tls.ciphers")) var tlsCiphers: String?
  @Option(help: .key("tls.cipher-suites")) var tlsCipherSuites: String?
  @Option(help: .key("tls.groups")) var tlsGroups: String?
  @Option(help: .key("limits.tls-handshake-timeout-seconds")) var tlsHandshakeTimeout: String?
  @Option(help: .key("limits.tls-handshakes-max")) var tlsHandshakesMax: String?
  @Flag(help: "Listen for TLS only, not on --port.") var noPlain = false
}
