internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#endif

/// The authority's statement about a certificate, sent to clients that request it (RFC 6066 §8, RFC 6960).
struct OCSPStaple: Sendable {
  /// DER form.
  let bytes: [UInt8]
  /// When a newer statement is due (`nextUpdate`), seconds since 1970.
  let nextUpdate: Int?

  /// - Throws: if the file is not a successful response about one certificate, or out of date.
  init(file: String, at time: Int) throws(TLSConfigurationError) {
    OpenSSLErrors.clear()
    guard let bio = BIO_new_file(file, "rb") else {
      throw TLSConfigurationError(file, "it cannot be read: \(OpenSSLErrors.take().entries.first?.name ?? "unknown")")
    }
    defer { BIO_free(bio) }
    guard let response = Self.response(in: bio) else { throw .openSSL(file, "it is not an OCSP response (DER)") }
    defer { OCSP_RESPONSE_free(response) }
    guard OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL else {
      throw TLSConfigurationError(file, "the OCSP response says that it failed")
    }
    nextUpdate = try Self.nextUpdate(of: response, file)
    bytes = Self.encode(response)
    guard isCurrent(at: time) else { throw TLSConfigurationError(file, "the OCSP response is out of date") }
  }

  /// Whether it is still valid; an outdated statement is worse than none.
  func isCurrent(at time: Int) -> Bool { nextUpdate.map { time < $0 } ?? true }

  private static func response(in bio: OpaquePointer) -> OpaquePointer? {
    var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
    let count = BIO_read(bio, &bytes, Int32(bytes.count))
    guard (1...bytesMax).contains(Int(count)) else { return nil }
    return bytes.withUnsafeBufferPointer { bytes in
      var start = bytes.baseAddress
      return d2i_OCSP_RESPONSE(nil, &start, Int(count))
    }
  }

  /// Larger than any statement of an authority, bytes.
  private static var bytesMax: Int { 65_535 }

  private static func encode(_ response: OpaquePointer) -> [UInt8] {
    var start: UnsafeMutablePointer<UInt8>?
    let count = i2d_OCSP_RESPONSE(response, &start)
    defer { CRYPTO_free(start, #fileID, Int32(#line)) }
    return Array(UnsafeBufferPointer(start: start, count: Int(max(0, count))))
  }

  private static func nextUpdate(of response: OpaquePointer, _ file: String) throws(TLSConfigurationError) -> Int? {
    guard let basic = OCSP_response_get1_basic(response), let single = OCSP_resp_get0(basic, 0) else {
      throw .openSSL(file, "the OCSP response says nothing about a certificate")
    }
    defer { OCSP_BASICRESP_free(basic) }
    var next: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
    guard OCSP_single_get0_status(single, nil, nil, nil, &next) >= 0, let next else { return nil }
    var parts = tm()
    guard ASN1_TIME_to_tm(next, &parts) == 1 else { throw .openSSL(file, "its nextUpdate cannot be read") }
    return timegm(&parts)
  }
}
