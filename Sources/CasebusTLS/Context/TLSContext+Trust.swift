internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#endif

/// The certificates that are accepted.
extension TLSContext {
  /// A client's view of servers.
  func setTrust(_ trust: TLSClientConfiguration.Trust) throws(TLSConfigurationError) {
    switch trust {
    case .system: try check(SSL_CTX_set_default_verify_paths(pointer), "the system's trusted certificates")
    case .file(let file): try trustFile(file)
    case .everybody: return SSL_CTX_set_verify(pointer, SSL_VERIFY_NONE, nil)
    }
    SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
  }

  /// A server's view of clients.
  func setClientCertificates(
    _ certificates: TLSServerConfiguration.ClientCertificates
  ) throws(TLSConfigurationError) {
    switch certificates {
    case .none:
      setSessionContext(Self.name(of: "none", []))
    case .optional(let file):
      setSessionContext(Self.name(of: "optional", try acceptClients(file, mode: SSL_VERIFY_PEER)))
    case .required(let file):
      let mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
      setSessionContext(Self.name(of: "required", try acceptClients(file, mode: mode)))
    }
  }

  private func acceptClients(_ file: String, mode: Int32) throws(TLSConfigurationError) -> [Certificate] {
    let authorities = try PEMFile(path: file).certificates()
    try trustFile(file)
    // Sent to the client, so that it can choose among its certificates.
    for authority in authorities { try check(SSL_CTX_add_client_CA(pointer, authority.x509), file) }
    SSL_CTX_set_verify(pointer, mode, nil)
    return authorities
  }

  /// The certificates of the file are trusted themselves, whether they can sign others or not.
  private func trustFile(_ file: String) throws(TLSConfigurationError) {
    let certificates = try PEMFile(path: file).certificates()
    let store = SSL_CTX_get_cert_store(pointer)
    for certificate in certificates { try check(X509_STORE_add_cert(store, certificate.x509), file) }
    try check(X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)), file)
  }

  /// A session can be resumed only if clients are still verified in the same way.
  private func setSessionContext(_ name: [UInt8]) {
    let code = SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count))
    precondition(code == 1, "SSL_CTX_set_session_id_context returned \(code)")
  }

  /// A digest of the mode and the authorities.
  private static func name(of mode: String, _ authorities: [Certificate]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var input = Array(mode.utf8)
    for authority in authorities {
      let code = X509_digest(authority.x509, EVP_sha256(), &digest, nil)
      precondition(code == 1, "X509_digest returned \(code)")
      input += digest
    }
    let code = EVP_Digest(input, input.count, &digest, nil, EVP_sha256(), nil)
    precondition(code == 1, "EVP_Digest returned \(code)")
    return digest
  }
}
