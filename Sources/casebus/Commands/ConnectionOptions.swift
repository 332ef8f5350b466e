import ArgumentParser
import CasebusClient
import CasebusConsole
import CasebusProtocol
import CasebusTLS

/// The broker and the workspace of a client command.
struct ConnectionOptions: ParsableArguments {
  @OptionGroup var broker: BrokerOptions

  @Option(help: ArgumentHelp("The workspace: 1 to 64 of A-Z a-z 0-9 . _ -", valueName: "id"))
  var workspace = "default"

  /// Connects; `*` stands for all workspaces if the command allows it.
  /// - Throws: an error with the reason in plain words.
  func connect() async throws -> CasebusClient {
    try await broker.address().connect(to: scope)
  }

  /// Makes a new connection with each call.
  func connector() throws -> ResumingClient.Connect {
    let (address, scope) = (try broker.address(), try scope)
    return { () throws(ClientError) in try await address.client(of: scope) }
  }

  /// Connects for one request and returns its result.
  /// - Throws: ``CommandFailure``.
  func request(_ name: String, _ parameters: [JSONValue] = [], messageID: String? = nil) async throws -> JSONValue {
    let client = try await connect()
    do throws(ClientError) {
      let result = try await client.request(name, parameters, messageID: messageID)
      await client.close()
      return result
    } catch {
      await client.close()
      throw CommandFailure("\(error)")
    }
  }

  var isForAllWorkspaces: Bool { workspace == "*" }

  private var scope: WorkspaceScope {
    get throws {
      guard let scope = WorkspaceScope(queryValue: workspace) else {
        throw ValidationError("--workspace is \"\(workspace)\", expected 1 to 64 of A-Z a-z 0-9 . _ - or *")
      }
      return scope
    }
  }
}

/// The address of the broker, and how its certificate is verified.
struct BrokerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The broker's address; wss:// for TLS.", valueName: "url"),
    transform: BrokerAddress.init(commandLine:))
  var url = BrokerAddress(host: "127.0.0.1", port: 8080)

  @Option(
    help: ArgumentHelp(
      "With wss://: trust the certificates in this file (PEM) instead of the system's.", valueName: "file"))
  var cacert: String?

  @Flag(help: "With wss://: do not verify the broker's certificate. Insecure.")
  var insecure = false

  @Option(help: ArgumentHelp("With wss://: send this certificate (PEM) if the broker requests one.", valueName: "file"))
  var cert: String?

  @Option(help: ArgumentHelp("The private key of --cert (PEM).", valueName: "file"))
  var key: String?

  func validate() throws {
    if cacert != nil, insecure { throw ValidationError("--cacert and --insecure exclude each other") }
    if (cert == nil) != (key == nil) { throw ValidationError("--cert and --key need each other") }
    if !url.isSecure, insecure || cacert != nil || cert != nil {
      throw ValidationError("--cacert, --insecure, --cert and --key need a --url that begins with wss://")
    }
  }

  /// The address, with what is needed to connect to it.
  /// - Throws: ``CommandFailure`` if a file is not valid.
  func address() throws(CommandFailure) -> BrokerAddress {
    guard url.isSecure else { return url }
    if insecure { printError(Self.warning) }
    var address = url
    do throws(TLSConfigurationError) {
      address.tls = try TLSContext(client: configuration())
    } catch {
      throw CommandFailure("\(error)")
    }
    return address
  }

  private func configuration() throws(TLSConfigurationError) -> TLSClientConfiguration {
    var configuration = TLSClientConfiguration()
    if let cacert { configuration.trust = .file(cacert) }
    if insecure { configuration.trust = .everybody }
    if let cert, let key { configuration.identity = try TLSIdentity(certificateFile: cert, keyFile: key) }
    return configuration
  }

  private static let warning =
    "WARNING: --insecure: the broker's certificate is not looked at. Anybody between here and there can read and change everything."
}
