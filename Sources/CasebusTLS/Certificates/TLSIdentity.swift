internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#endif

/// The identity of one side: a certificate, the chain to a trusted one, and the private key.
public final class TLSIdentity: Sendable {
  let certificate: Certificate
  /// Without the certificate itself.
  let chain: [Certificate]
  let key: PrivateKey
  let staple: OCSPStaple?
  /// Its origin, for messages.
  let source: String

  init(certificate: Certificate, chain: [Certificate], key: PrivateKey, staple: OCSPStaple?, source: String) {
    self.certificate = certificate
    self.chain = chain
    self.key = key
    self.staple = staple
    self.source = source
  }

  /// Reads it from files in PEM form.
  /// - Parameters:
  ///   - certificateFile: the certificate, then its chain; can also contain the key.
  ///   - keyFile: the private key.
  ///   - passphrase: the passphrase of an encrypted key.
  ///   - stapleFile: an OCSP response about the certificate, in DER form.
  ///   - time: the certificates must be valid at this time, seconds since 1970; nil for now.
  /// - Throws: the name of the file and the fault.
  public convenience init(
    certificateFile: String, keyFile: String, passphrase: String? = nil, stapleFile: String? = nil,
    at time: Int? = nil
  ) throws(TLSConfigurationError) {
    let time = time ?? Glibc.time(nil)
    let certificates = try PEMFile(path: certificateFile).certificates()
    for certificate in certificates {
      if let complaint = certificate.complaint(at: time) { throw TLSConfigurationError(certificateFile, complaint) }
    }
    let key = try PEMFile(path: keyFile).privateKey(passphrase: passphrase)
    guard certificates[0].belongs(to: key) else {
      throw TLSConfigurationError(keyFile, "the key does not belong to the certificate in \(certificateFile)")
    }
    let staple: OCSPStaple? = if let stapleFile { try OCSPStaple(file: stapleFile, at: time) } else { nil }
    self.init(
      certificate: certificates[0], chain: Array(certificates.dropFirst()), key: key, staple: staple,
      source: certificateFile)
  }

  /// The subject of the certificate in the form of RFC 2253.
  public var subject: String { certificate.subject }

  /// The host names that the certificate is valid for.
  public var hostNames: [String] { certificate.hostNames }

  /// When the certificate expires, such as `Nov 23 17:39:13 2026 GMT`.
  public var expiry: String { certificate.expiry }
}

extension TLSIdentity {
  /// Passes the chain to `body` in OpenSSL's form; `body` can keep references to the certificates, not to the stack.
  func withChain<Result>(_ body: (_ stack: OpaquePointer?) -> Result) -> Result {
    guard !chain.isEmpty else { return body(nil) }
    let stack = OPENSSL_sk_new_null()
    defer { OPENSSL_sk_free(stack) }
    for certificate in chain {
      precondition(OPENSSL_sk_push(stack, UnsafeRawPointer(certificate.x509)) > 0, "no memory")
    }
    return body(stack)
  }
}
