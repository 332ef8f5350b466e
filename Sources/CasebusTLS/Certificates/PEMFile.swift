internal import COpenSSL

/// A file with certificates or a key in PEM form (RFC 7468).
struct PEMFile {
  let path: String

  /// All certificates in the order of the file.
  /// - Throws: if there is none, or one cannot be read.
  func certificates() throws(TLSConfigurationError) -> [Certificate] {
    let bio = try open()
    defer { BIO_free(bio) }
    var certificates: [Certificate] = []
    // Without a callback of ours OpenSSL would ask for passphrases at the terminal.
    while let x509 = PEM_read_bio_X509(bio, nil, { _, _, _, _ in -1 }, nil) {
      certificates.append(Certificate(owning: x509))
    }
    let errors = OpenSSLErrors.take()
    guard errors.contains(library: ERR_LIB_PEM, reason: PEM_R_NO_START_LINE) else {
      throw TLSConfigurationError(path, "certificate \(certificates.count + 1) of it cannot be read: \(errors.text)")
    }
    guard !certificates.isEmpty else { throw TLSConfigurationError(path, "there is no certificate in it (PEM)") }
    return certificates
  }

  /// The first private key.
  /// - Parameter passphrase: the passphrase of an encrypted key.
  func privateKey(passphrase: String?) throws(TLSConfigurationError) -> PrivateKey {
    let bio = try open()
    defer { BIO_free(bio) }
    let question = PassphraseQuestion(answer: passphrase)
    if let key = Self.readKey(bio, question) { return key }
    throw TLSConfigurationError(path, reason(of: OpenSSLErrors.take(), question))
  }

  private static func readKey(_ bio: OpaquePointer, _ question: PassphraseQuestion) -> PrivateKey? {
    withExtendedLifetime(question) {
      PEM_read_bio_PrivateKey(
        bio, nil,
        { buffer, size, _, question in
          guard let buffer, let question else { return -1 }
          return Unmanaged<PassphraseQuestion>.fromOpaque(question).takeUnretainedValue()
            .answer(into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(size)))
        }, Unmanaged.passUnretained(question).toOpaque())
    }.map(PrivateKey.init(owning:))
  }

  private func reason(of errors: OpenSSLErrors, _ question: PassphraseQuestion) -> String {
    if question.wasAsked {
      return question.answer == nil
        ? "the key is encrypted and needs a passphrase" : "the key is encrypted, and the passphrase does not open it"
    }
    // The first text if the file has no PEM at all, the second if it has other PEM.
    if errors.contains(library: ERR_LIB_PEM, reason: PEM_R_NO_START_LINE)
      || errors.contains(library: ERR_LIB_OSSL_DECODER, reason: Int32(ERR_R_UNSUPPORTED))
    {
      return "there is no private key in it that can be read (PEM)"
    }
    return "the private key cannot be read: \(errors.text)"
  }

  private func open() throws(TLSConfigurationError) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let bio = BIO_new_file(path, "r") else {
      throw TLSConfigurationError(path, "it cannot be read: \(OpenSSLErrors.take().entries.first?.name ?? "unknown")")
    }
    return bio
  }
}

/// Whether OpenSSL asked for a passphrase, and the passphrase for it.
private final class PassphraseQuestion {
  let answer: String?
  var wasAsked = false

  init(answer: String?) {
    self.answer = answer
  }

  /// - Returns: the length of the passphrase; -1 if there is none, or it is too long.
  func answer(into buffer: UnsafeMutableRawBufferPointer) -> Int32 {
    wasAsked = true
    guard let answer, answer.utf8.count <= buffer.count else { return -1 }
    buffer.copyBytes(from: answer.utf8)
    return Int32(answer.utf8.count)
  }
}
