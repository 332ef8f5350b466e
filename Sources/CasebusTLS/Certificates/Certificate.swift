internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#endif

/// One X.509 certificate.
///
/// Unchecked: immutable after its creation, and OpenSSL counts references atomically.
final class Certificate: @unchecked Sendable {
  /// OpenSSL's object; valid while this object lives.
  let x509: OpaquePointer

  /// - Parameter x509: a reference, which this object owns from now on.
  init(owning x509: OpaquePointer) {
    self.x509 = x509
  }

  deinit {
    X509_free(x509)
  }

  /// The subject in the form of RFC 2253: `CN=bot-7,O=Acme`. Control characters are escaped.
  var subject: String {
    MemoryText.text { casebus_X509_NAME_print_RFC2253($0, X509_get_subject_name(x509)) >= 0 }
  }

  /// The host names that it is valid for, such as `*.example.org`.
  var hostNames: [String] {
    guard let names = X509_get_ext_d2i(x509, NID_subject_alt_name, nil, nil) else { return [] }
    let stack = OpaquePointer(names)
    defer { OPENSSL_sk_pop_free(stack) { GENERAL_NAME_free($0?.assumingMemoryBound(to: GENERAL_NAME.self)) } }
    return (0..<OPENSSL_sk_num(stack)).compactMap { Self.hostName(OPENSSL_sk_value(stack, $0)) }
  }

  private static func hostName(_ name: UnsafeMutableRawPointer?) -> String? {
    var type: Int32 = 0
    let value = GENERAL_NAME_get0_value(name?.assumingMemoryBound(to: GENERAL_NAME.self), &type)
    guard let value, type == GEN_DNS else { return nil }
    let text = value.assumingMemoryBound(to: ASN1_STRING.self)
    let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(text), count: Int(ASN1_STRING_length(text)))
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether it is valid for this host (RFC 6125).
  func isFor(hostName: String) -> Bool {
    X509_check_host(x509, hostName, hostName.utf8.count, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS), nil) == 1
  }

  /// Whether it belongs to a key.
  func belongs(to key: PrivateKey) -> Bool {
    defer { OpenSSLErrors.clear() }
    return X509_check_private_key(x509, key.pkey) == 1
  }
}

extension Certificate {
  /// Why it is not valid at a time; nil if it is valid.
  func complaint(at time: Int) -> String? {
    var time = time
    if X509_cmp_time(X509_get0_notAfter(x509), &time) < 0 {
      return "the certificate of \(subject) expired on \(Self.text(of: X509_get0_notAfter(x509)))"
    }
    if X509_cmp_time(X509_get0_notBefore(x509), &time) > 0 {
      return "the certificate of \(subject) is not valid before \(Self.text(of: X509_get0_notBefore(x509)))"
    }
    return nil
  }

  /// Why it is not valid now; nil if it is valid.
  var complaintNow: String? { complaint(at: time(nil)) }

  /// When it expires, such as `Nov 23 17:39:13 2026 GMT`.
  var expiry: String { Self.text(of: X509_get0_notAfter(x509)) }

  private static func text(of time: UnsafePointer<ASN1_TIME>?) -> String {
    MemoryText.text { ASN1_TIME_print($0, time) == 1 }
  }
}

/// What OpenSSL prints, as a text.
enum MemoryText {
  static func text(_ print: (_ bio: OpaquePointer) -> Bool) -> String {
    guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("no memory") }
    defer {
      BIO_free(bio)
      OpenSSLErrors.clear()
    }
    guard print(bio) else { return "(unreadable)" }
    return bytes(of: bio)
  }

  private static func bytes(of bio: OpaquePointer) -> String {
    var start: UnsafeMutablePointer<CChar>?
    let count = BIO_ctrl(bio, BIO_CTRL_INFO, 0, &start)
    return String(decoding: UnsafeRawBufferPointer(start: start, count: max(0, count)), as: UTF8.self)
  }
}
