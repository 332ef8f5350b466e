internal import COpenSSL

extension TLSIdentity {
  /// Makes a key (EC P-256) and a self-signed certificate, for trying things out: nobody trusts it by default.
  /// - Parameters:
  ///   - hostNames: names and IP addresses. The first is also the common name.
  ///   - from: when its validity begins, in seconds from now.
  ///   - until: when its validity ends, in seconds from now.
  /// - Throws: OpenSSL's error.
  package static func selfSigned(
    hostNames: [String], from: Int = -3600, until: Int = 365 * 86_400
  ) throws(TLSConfigurationError) -> TLSIdentity {
    precondition(!hostNames.isEmpty, "a certificate is for somebody")
    let key = try PrivateKey.generate()
    guard let x509 = X509_new() else { throw .openSSL("self-signed certificate") }
    let certificate = Certificate(owning: x509)
    guard fill(x509, hostNames, key, from: from, until: until), X509_sign(x509, key.pkey, EVP_sha256()) > 0 else {
      throw .openSSL("self-signed certificate")
    }
    return TLSIdentity(certificate: certificate, chain: [], key: key, staple: nil, source: "self-signed")
  }

  private static func fill(
    _ x509: OpaquePointer, _ hostNames: [String], _ key: PrivateKey, from: Int, until: Int
  ) -> Bool {
    let name = X509_get_subject_name(x509)
    return X509_set_version(x509, 2) == 1  // X.509 v3
      && setSerialNumber(x509)
      && X509_gmtime_adj(X509_getm_notBefore(x509), from) != nil
      && X509_gmtime_adj(X509_getm_notAfter(x509), until) != nil
      && X509_set_pubkey(x509, key.pkey) == 1
      && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, hostNames[0], -1, -1, 0) == 1
      && X509_set_issuer_name(x509, name) == 1
      && extensions(hostNames).allSatisfy { add($0.nid, $0.value, to: x509) }
  }

  private static func setSerialNumber(_ x509: OpaquePointer) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 16)
    guard RAND_bytes(&bytes, 16) == 1 else { return false }
    bytes[0] = bytes[0] & 0x7F | 0x40  // positive, and 16 bytes long: RFC 5280 §4.1.2.2
    guard let number = BN_bin2bn(bytes, 16, nil) else { return false }
    defer { BN_free(number) }
    return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != nil
  }

  /// It can identify a server or a client but sign no other certificate, so trusting it trusts nothing else.
  private static func extensions(_ hostNames: [String]) -> [(nid: Int32, value: String)] {
    let names = hostNames.map { isAddress($0) ? "IP:\($0)" : "DNS:\($0)" }.joined(separator: ",")
    return [
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
      (NID_ext_key_usage, "serverAuth,clientAuth"), (NID_subject_alt_name, names),
    ]
  }

  private static func add(_ nid: Int32, _ value: String, to x509: OpaquePointer) -> Bool {
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, x509, x509, nil, nil, 0)
    guard let ext = X509V3_EXT_conf_nid(nil, &context, nid, value) else { return false }
    defer { X509_EXTENSION_free(ext) }
    return X509_add_ext(x509, ext, -1) == 1
  }

  /// Whether this is an IP address, not a name.
  static func isAddress(_ host: String) -> Bool {
    guard let address = a2i_IPADDRESS(host) else {
      OpenSSLErrors.clear()
      return false
    }
    ASN1_OCTET_STRING_free(address)
    return true
  }
}

extension PrivateKey {
  static func generate() throws(TLSConfigurationError) -> PrivateKey {
    OpenSSLErrors.clear()
    let context = EVP_PKEY_CTX_new_from_name(nil, "EC", nil)
    defer { EVP_PKEY_CTX_free(context) }
    var pkey: OpaquePointer?
    guard EVP_PKEY_keygen_init(context) == 1, EVP_PKEY_CTX_set_group_name(context, "P-256") == 1,
      EVP_PKEY_generate(context, &pkey) == 1, let pkey
    else { throw .openSSL("private key") }
    return PrivateKey(owning: pkey)
  }
}

extension TLSIdentity {
  /// The certificate in PEM form.
  package var certificatePEM: String { MemoryText.text { PEM_write_bio_X509($0, certificate.x509) == 1 } }

  /// The private key in PEM form, not encrypted.
  package var keyPEM: String {
    MemoryText.text { PEM_write_bio_PKCS8PrivateKey($0, key.pkey, nil, nil, 0, nil, nil) == 1 }
  }
}
