import COpenSSL

@testable import CasebusTLS

extension TLSIdentity {
  /// The private key as PEM, encrypted.
  func keyPEM(passphrase: String) -> String {
    MemoryText.text { bio in
      PEM_write_bio_PKCS8PrivateKey(
        bio, key.pkey, EVP_aes_256_cbc(), passphrase, Int32(passphrase.utf8.count), nil, nil) == 1
    }
  }
}
