internal import COpenSSL

/// The private key of a certificate.
///
/// Unchecked: immutable after its creation, and OpenSSL counts references atomically.
final class PrivateKey: @unchecked Sendable {
  /// OpenSSL's object; valid while this object lives.
  let pkey: OpaquePointer

  /// - Parameter pkey: a reference, which this object owns from now on.
  init(owning pkey: OpaquePointer) {
    self.pkey = pkey
  }

  deinit {
    EVP_PKEY_free(pkey)
  }
}
