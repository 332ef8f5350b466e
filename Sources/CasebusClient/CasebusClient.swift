public import CasebusProtocol
public import CasebusTLS
import CasebusTransport
import CasebusWebSocket
public import NIOCore
import Synchronization

/// A client of the broker: subscribes, publishes, makes requests, and gets events (Protocol §3).
///
/// May be used from any task. Events come in the order in which the broker sent them.
public final class CasebusClient: Sendable {
  /// Something that happened, as the broker told it.
  public struct Event: Hashable, Sendable {
    public var name: String
    public var data: JSONValue
    /// Set on connections for all workspaces only.
    public var workspaceID: String?
  }

  /// The events of all subscriptions; ends with the connection.
  public let events: AsyncStream<Event>
  private let link: ClientLink

  private init(link: ClientLink, events: AsyncStream<Event>) {
    self.link = link
    self.events = events
  }

  /// Connects to a broker.
  /// - Parameters:
  ///   - workspace: one workspace, or all of them (then only ``subscribe(to:)`` works).
  ///   - tls: nil for a connection that is not encrypted.
  ///   - messageBytesMax: the longest message that is taken from the broker.
  /// - Throws: ``ClientError``.
  public static func connect(
    host: String, port: Int, workspace: WorkspaceScope = .workspace(.default), tls: TLSContext? = nil,
    group: any EventLoopGroup, messageBytesMax: Int = 16 << 20
  ) async throws(ClientError) -> CasebusClient {
    let (events, continuation) = AsyncStream.makeStream(of: Event.self)
    var configuration = ConnectionConfiguration()
    configuration.limits.messageBytesMax = messageBytesMax
    configuration.limits.frameBytesMax = messageBytesMax
    let connector = WebSocketConnector(group: group, configuration: configuration, tls: tls)
    do {
      let link = try await connector.connect(host: host, port: port, target: "/v2?workspace=\(workspace)") {
        ClientLink($0, events: continuation)
      }
      return CasebusClient(link: link, events: events)
    } catch ConnectError.tls(.certificateRefused(let refusal)) {
      throw ClientError.notTrusted(refusal)
    } catch {
      throw ClientError.notConnected("\(error)")
    }
  }

  /// Subscribes to events by their names, such as `interaction` or `messenger:lunch`.
  /// - Throws: ``ClientError``.
  public func subscribe(to names: [String]) async throws(ClientError) -> SubscriptionID {
    let answer = try await link.ask { reference in
      ["event": "subscribe", "data": .array(names.map(JSONValue.string)), "referenceId": reference]
    }
    guard case .subscribed(_, let id) = answer else { throw ClientError.unexpectedAnswer(answer) }
    return id
  }

  /// Ends a subscription.
  /// - Throws: ``ClientError``.
  public func unsubscribe(_ id: SubscriptionID) async throws(ClientError) {
    _ = try await link.ask { reference in
      ["event": "unsubscribe", "data": .string(id.text), "referenceId": reference]
    }
  }

  /// Publishes, and waits until the broker has committed it.
  /// - Throws: ``ClientError``.
  public func publish(_ event: String, _ data: JSONValue) async throws(ClientError) {
    _ = try await link.ask { reference in
      ["event": "publish", "data": ["event": .string(event), "data": data], "referenceId": reference]
    }
  }

  /// Makes a request such as `interaction.markdone`; gives its result.
  /// - Throws: ``ClientError``.
  public func request(_ name: String, _ parameters: [JSONValue] = []) async throws(ClientError) -> JSONValue {
    let answer = try await link.ask { reference in
      parameters.isEmpty
        ? ["request": .string(name), "referenceId": reference]
        : ["request": .string(name), "parameters": .array(parameters), "referenceId": reference]
    }
    guard case .response(_, let data) = answer else { throw ClientError.unexpectedAnswer(answer) }
    return data
  }

  /// Ends the connection with a closing handshake, and waits for its end.
  public func close() async {
    await link.close()
  }
}

/// Why the broker did not do what it was asked.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
  case notConnected(String)
  /// The broker's certificate is not accepted.
  case notTrusted(CertificateRefusal)
  /// The connection ended before the answer came.
  case connectionLost(code: UInt16, reason: String)
  /// The broker says no: an error code of Protocol §11 and a message for people.
  case refused(code: String, message: String)
  case unexpectedAnswer(ServerMessage)

  public var description: String {
    switch self {
    case .notConnected(let reason): reason
    case .notTrusted(let refusal): "\(refusal)"
    case .connectionLost(let code, let reason): "the connection ended with close code \(code): \(reason)"
    case .refused(let code, let message): "\(message) (\(code))"
    case .unexpectedAnswer(let answer): "the broker gave an answer of another kind than expected: \(answer)"
    }
  }
}
