internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#endif

/// Several certificates on one port: by the name that the client asks for (SNI, RFC 6066 §3).
extension TLSContext {
  func setIdentities() throws(TLSConfigurationError) {
    guard let first = identities.first else { return }
    for identity in identities.reversed() {
      // Sets all of them, so that one that OpenSSL refuses is found now. The last one set counts.
      try check(use(identity), identity.source)
    }
    precondition(SSL_CTX_get0_certificate(pointer) == first.certificate.x509, "another certificate was set")
  }

  private func use(_ identity: TLSIdentity) -> Int32 {
    identity.withChain { SSL_CTX_use_cert_and_key(pointer, identity.certificate.x509, identity.key.pkey, $0, 1) }
  }

  func selectCertificates() {
    guard identities.count > 1 else { return }
    SSL_CTX_set_cert_cb(
      pointer,
      { ssl, _ in
        guard let identity = TLSContext.of(ssl).identity(askedForBy: ssl) else { return 1 }
        return identity.withChain { chain in
          SSL_use_cert_and_key(ssl, identity.certificate.x509, identity.key.pkey, chain, 1)
        }
      }, nil)
  }

  /// - Returns: nil for the first one, which is set already.
  private func identity(askedForBy ssl: OpaquePointer?) -> TLSIdentity? {
    guard let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map({ String(cString: $0) }) else { return nil }
    let index = identities.firstIndex { $0.certificate.isFor(hostName: name) } ?? 0
    return index == 0 ? nil : identities[index]
  }
}

// MARK: - OCSP stapling (RFC 6066 §8)

extension TLSContext {
  func staple() {
    guard identities.contains(where: { $0.staple != nil }) else { return }
    casebus_SSL_CTX_set_status_callback(pointer) { ssl, _ in
      guard let staple = TLSContext.of(ssl).staple(for: SSL_get_certificate(ssl)), staple.isCurrent(at: time(nil))
      else {
        return SSL_TLSEXT_ERR_NOACK
      }
      return TLSContext.give(staple.bytes, to: ssl) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
    }
  }

  private func staple(for x509: OpaquePointer?) -> OCSPStaple? {
    identities.first { $0.certificate.x509 == x509 }?.staple
  }

  /// OpenSSL takes memory that it allocated, and frees it.
  private static func give(_ bytes: [UInt8], to ssl: OpaquePointer?) -> Bool {
    guard let copy = CRYPTO_malloc(bytes.count, #fileID, Int32(#line)) else { return false }
    copy.copyMemory(from: bytes, byteCount: bytes.count)
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, bytes.count, copy) == 1
  }
}
