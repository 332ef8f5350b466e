internal import COpenSSL

/// Verification of the peer's certificate.
extension TLSSession {
  /// OpenSSL drops a refused certificate; it is kept here, so that the error can name it.
  func rememberRefusals() {
    let code = SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
    precondition(code == 1, "SSL_set_ex_data returned \(code)")
    SSL_set_verify(ssl, SSL_get_verify_mode(ssl)) { isAccepted, store in
      if isAccepted == 0 { TLSSession.of(store)?.refusedCertificate = TLSSession.certificate(in: store) }
      return isAccepted
    }
  }

  private static func of(_ store: OpaquePointer?) -> TLSSession? {
    let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
    return SSL_get_ex_data(ssl.map { OpaquePointer($0) }, 0)
      .map { Unmanaged<TLSSession>.fromOpaque($0).takeUnretainedValue() }
  }

  private static func certificate(in store: OpaquePointer?) -> Certificate? {
    guard let x509 = X509_STORE_CTX_get_current_cert(store), X509_up_ref(x509) == 1 else { return nil }
    return Certificate(owning: x509)
  }

  /// The server's certificate must be valid for this host (RFC 6125, RFC 2818 §3.1).
  func expect(_ host: String) throws(TLSConfigurationError) {
    if TLSIdentity.isAddress(host) {
      try check(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host), host)
    } else {
      SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
      try check(SSL_set1_host(ssl, host), host)
      try check(askFor(host), host)
    }
  }

  /// The name by which the server chooses its certificate: SNI (RFC 6066 §3), for names only.
  private func askFor(_ host: String) -> Int32 {
    host.withCString { name in
      Int32(
        SSL_ctrl(
          ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), UnsafeMutableRawPointer(mutating: name)))
    }
  }

  private func check(_ code: Int32, _ host: String) throws(TLSConfigurationError) {
    guard code == 1 else { throw .openSSL("host \(host)") }
  }

  /// A client's certificate is verified when its session begins, not when it is resumed: then it may have expired.
  var complaintAboutResumption: String? {
    guard context.role == .server, SSL_session_reused(ssl) == 1 else { return nil }
    return peerCertificate?.complaintNow
  }

  /// The first fault in the peer's certificate.
  var refusal: CertificateRefusal {
    let code = Int32(SSL_get_verify_result(ssl))
    let certificate = refusedCertificate
    let subject = certificate?.subject ?? "the peer"
    return switch code {
    case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH:
      .wrongHost(peerHost ?? "", hostNames: certificate?.hostNames ?? [])
    case X509_V_ERR_CERT_HAS_EXPIRED:
      .expired(certificate?.complaintNow ?? Self.text(of: code))
    case X509_V_ERR_CERT_NOT_YET_VALID:
      .notYetValid(certificate?.complaintNow ?? Self.text(of: code))
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      .selfSigned(subject)
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      .unknownAuthority(subject)
    case _:
      .other(Self.text(of: code))
    }
  }

  private static func text(of code: Int32) -> String {
    X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
  }
}
