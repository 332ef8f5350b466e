import Testing

@testable import CasebusTLS

@Suite struct FileTests {
  private func error(_ certificate: String, _ key: String, _ passphrase: String? = nil) -> TLSConfigurationError? {
    do throws(TLSConfigurationError) {
      _ = try TLSIdentity(certificateFile: certificate, keyFile: key, passphrase: passphrase)
      return nil
    } catch {
      return error
    }
  }

  private let certificate = try! TemporaryFile(Peers.identity.certificatePEM).path
  private let key = try! TemporaryFile(Peers.identity.keyPEM).path

  @Test func aCertificateAndItsKeyAreTaken() throws {
    let identity = try TLSIdentity(certificateFile: certificate, keyFile: key)
    #expect(identity.subject == "CN=localhost")
    #expect(identity.hostNames == ["localhost"])
  }

  @Test func bothMayBeInOneFile() throws {
    let file = try TemporaryFile(Peers.identity.keyPEM + Peers.identity.certificatePEM).path
    #expect(error(file, file) == nil)
  }

  @Test func aMissingFileIsNamed() {
    #expect(error("/no/such.pem", key)?.description == "/no/such.pem: it cannot be read: No such file or directory")
    #expect(
      error(certificate, "/no/key.pem")?.description == "/no/key.pem: it cannot be read: No such file or directory")
  }

  @Test func aFileWithoutWhatIsWantedIsNamed() throws {
    let empty = try TemporaryFile("").path
    #expect(error(empty, key)?.description == "\(empty): there is no certificate in it (PEM)")
    #expect(error(certificate, empty)?.description == "\(empty): there is no private key in it that can be read (PEM)")
    #expect(error(key, key)?.reason == "there is no certificate in it (PEM)")
    #expect(error(certificate, certificate)?.reason == "there is no private key in it that can be read (PEM)")
  }

  @Test func aBrokenCertificateIsCounted() throws {
    let pem = Peers.identity.certificatePEM
    let broken = try TemporaryFile(pem + pem.replacing("MII", with: "MIJ")).path
    #expect(error(broken, key)?.reason.hasPrefix("certificate 2 of it cannot be read: ") == true)
  }

  @Test func aKeyOfAnotherCertificateIsRefused() throws {
    let other = try TemporaryFile(TLSIdentity.selfSigned(hostNames: ["other.test"]).keyPEM).path
    #expect(
      error(certificate, other)?.description == "\(other): the key does not belong to the certificate in \(certificate)"
    )
  }

  @Test func anExpiredCertificateIsRefusedAndOneOfTheFuture() throws {
    let old = try TLSIdentity.selfSigned(hostNames: ["old.test"], from: -7200, until: -60)
    let new = try TLSIdentity.selfSigned(hostNames: ["new.test"], from: 60)
    for (identity, text) in [(old, "CN=old.test expired on"), (new, "CN=new.test is not valid before")] {
      let file = try TemporaryFile(identity.certificatePEM + identity.keyPEM).path
      #expect(error(file, file)?.reason.hasPrefix("the certificate of \(text)") == true)
    }
  }

  @Test func anEncryptedKeyNeedsItsPassphrase() throws {
    let encrypted = try TemporaryFile(Peers.identity.keyPEM(passphrase: "sesame")).path
    #expect(error(certificate, encrypted, "sesame") == nil)
    #expect(error(certificate, encrypted)?.description == "\(encrypted): the key is encrypted and needs a passphrase")
    #expect(
      error(certificate, encrypted, "open")?.reason == "the key is encrypted, and the passphrase does not open it")
  }

  @Test func aFileThatIsNoOCSPResponseIsNamed() {
    #expect(throws: TLSConfigurationError.self) {
      try TLSIdentity(certificateFile: certificate, keyFile: key, stapleFile: key)
    }
  }

  @Test(arguments: ["ciphers nonsense", "cipher suites nonsense", "groups nonsense"])
  func aSettingThatOpenSSLDoesNotTakeIsNamed(_ setting: String) {
    let error = #expect(throws: TLSConfigurationError.self) {
      _ = try TLSContext.server(Peers.identity) { configuration in
        switch setting {
        case "ciphers nonsense": configuration.protocols.ciphers = "nonsense"
        case "groups nonsense": configuration.protocols.groups = "nonsense"
        case _: configuration.protocols.cipherSuites = "nonsense"
        }
      }
    }
    #expect(error?.subject == setting)
  }
}
