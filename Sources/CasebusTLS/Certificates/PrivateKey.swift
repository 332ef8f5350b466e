internal import COpenSSL

/// The private key of a certificate.
///
/// Unchecked: it is not changed after its making, and OpenSSL counts references atomically.
final class PrivateKey: @unchecked Sendable {
  /// OpenSSL's object; valid as long as this.
  let pkey: OpaquePointer

  /// - Parameter pkey: a reference, which becomes this object's.
  init(owning pkey: OpaquePointer) {
    self.pkey = pkey
  }

  deinit {
    EVP_PKEY_free(pkey)
  }
}
