import CasebusConsole
import CasebusServer
import CasebusTLS
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#endif

/// The demo's self-signed certificate for this machine. It is kept, so that users need to trust it only once.
struct DemoCertificate {
  let certificateFile: String
  let keyFile: String
  let expiry: String

  static let hostNames = ["localhost", "127.0.0.1", "::1"]
  private static let days = 90

  /// Reads the kept certificate, or makes one.
  /// - Throws: ``CommandFailure`` if it cannot be written.
  init() throws(CommandFailure) {
    let folder = Self.folder
    certificateFile = "\(folder)/demo-certificate.pem"
    keyFile = "\(folder)/demo-key.pem"
    let kept = try? TLSIdentity(certificateFile: certificateFile, keyFile: keyFile)
    do {
      let identity = try kept ?? TLSIdentity.selfSigned(hostNames: Self.hostNames, until: Self.days * 86_400)
      expiry = identity.expiry
      guard kept == nil else { return }
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try Self.write(identity.keyPEM, to: keyFile, mode: 0o600)
      try Self.write(identity.certificatePEM, to: certificateFile, mode: 0o644)
    } catch {
      throw CommandFailure("cannot make a certificate in \(folder): \(error)")
    }
  }

  var files: TLSListenerConfiguration.Files {
    TLSListenerConfiguration.Files(certificate: certificateFile, key: keyFile)
  }

  private static var folder: String {
    let environment = ProcessInfo.processInfo.environment
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return "\(cache)/casebus" }
    return environment["HOME"].map { "\($0)/.cache/casebus" } ?? "/tmp/casebus-\(getuid())"
  }

  /// Creates the key file with its final mode, so that nobody can read it in between.
  private static func write(_ text: String, to file: String, mode: mode_t) throws(CommandFailure) {
    unlink(file)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL, mode)
    guard descriptor >= 0 else { throw CommandFailure("\(file): \(systemText(ofError: errno))") }
    defer { Glibc.close(descriptor) }
    var text = text
    guard text.withUTF8({ Glibc.write(descriptor, $0.baseAddress, $0.count) }) == text.utf8.count else {
      throw CommandFailure("\(file): \(systemText(ofError: errno))")
    }
  }
}

/// How to use the demo's certificate. Every command can be pasted unchanged.
struct DemoCertificateGuide {
  let certificate: DemoCertificate
  let address: ListeningAddress
  /// The command of this process.
  let program: String

  var text: String {
    let file = certificate.certificateFile
    return """

      TLS: \(address.webSocketURL) and \(address.pageURL), with a certificate for \(DemoCertificate.hostNames.joined(separator: ", "))
      that this demo has signed itself (until \(certificate.expiry)). Nobody trusts it unless told to:

        \(program) subscribe --url \(address.webSocketURL) --cacert \(file)
        curl --cacert \(file) \(address.pageURL)health
        NODE_EXTRA_CA_CERTS=\(file) node client.js
        python3: connect("\(address.webSocketURL)", max_size=2**24, ssl=ssl.create_default_context(cafile="\(file)"))

      Chromium (package libnss3-tools; to forget it again: certutil -d sql:$HOME/.pki/nssdb -D -n casebus-demo):

        mkdir -p $HOME/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t P,, -n casebus-demo -i \(file)
      """
  }
}
