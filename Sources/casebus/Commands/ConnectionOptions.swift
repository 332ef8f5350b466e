import ArgumentParser
import CasebusClient
import CasebusProtocol
import FoundationEssentials
import NIOCore
import NIOPosix

/// Which broker and which workspace a client command talks to.
struct ConnectionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The broker's address.", valueName: "url"))
  var url = BrokerAddress(host: "127.0.0.1", port: 8080)

  @Option(help: ArgumentHelp("The workspace: 1 to 64 of A-Z a-z 0-9 . _ -", valueName: "id"))
  var workspace = "default"

  /// Connects; `*` is every workspace where the command allows it.
  /// - Throws: an error that says plainly why there is no connection.
  func connect() async throws -> CasebusClient {
    try await url.connect(to: scope)
  }

  /// Connects as often as it is called.
  func connector() throws -> ResumingClient.Connect {
    let (url, scope) = (url, try scope)
    return { () throws(ClientError) in
      do throws(CommandFailure) {
        return try await url.connect(to: scope)
      } catch {
        throw .notConnected(error.description)
      }
    }
  }

  /// Connects for one request; gives its result.
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

  private var scope: WorkspaceScope {
    get throws {
      guard let scope = WorkspaceScope(queryValue: workspace) else {
        throw ValidationError("--workspace is \"\(workspace)\", expected 1 to 64 of A-Z a-z 0-9 . _ - or *")
      }
      return scope
    }
  }
}

/// Where a broker listens, written as `ws://host:port/v2`; the scheme and the path may be left out. The workspace is
/// not part of it, it has an option of its own.
struct BrokerAddress: ExpressibleByArgument, CustomStringConvertible {
  var host: String
  var port: Int

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  init?(argument: String) {
    let text = argument.contains("://") ? argument : "ws://\(argument)"
    guard let components = URLComponents(string: text), components.scheme == "ws", let host = components.host,
      !host.isEmpty, ["", "/", "/v2"].contains(components.path), components.query == nil
    else { return nil }
    self.init(host: host, port: components.port ?? 8080)
  }

  var description: String { "ws://\(host):\(port)/v2" }
  var defaultValueDescription: String { description }

  /// - Throws: ``CommandFailure`` that says plainly why there is no connection.
  func connect(to scope: WorkspaceScope) async throws(CommandFailure) -> CasebusClient {
    do {
      return try await CasebusClient.connect(
        host: host, port: port, workspace: scope, group: MultiThreadedEventLoopGroup.singleton)
    } catch {
      throw CommandFailure("\(error)\nIs a broker running there? Start one with: casebus serve --port \(port)")
    }
  }
}

/// Ends a command with status 1 and this text on standard error.
struct CommandFailure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}
