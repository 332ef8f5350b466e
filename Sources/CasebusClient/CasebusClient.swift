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
  /// An event that the broker sent.
  public struct Event: Hashable, Sendable {
    /// The event name, such as `interaction`.
    public var name: String
    /// The data of the event (Protocol §6.6, §7.2, §8.5).
    public var data: JSONValue
    /// The workspace (nil except on connections for all workspaces), position and delivery.
    public var labels: EventLabels
  }

  /// The events of all subscriptions; ends with the connection.
  public let events: Events
  private let link: ClientLink

  /// The longest message that is accepted from a broker, and that should be sent to one, in bytes
  /// (`clientMessageBytesMax`).
  public static let messageBytesMax = 16 << 20
  /// The maximum size of queued events, in bytes (`clientEventsBytesMax`).
  public static let eventsBytesMax = 16 << 20

  private init(link: ClientLink, events: Events) {
    self.link = link
    self.events = events
  }

  /// Connects to a broker.
  /// - Parameters:
  ///   - workspace: one workspace, or all of them (then only ``subscribe(to:)`` works).
  ///   - tls: nil for an unencrypted connection.
  ///   - messageBytesMax: the longest message that is accepted from the broker, 1 to 2^30 bytes (`clientMessageBytesMax`).
  ///   - eventsBytesMax: the maximum size of the events queued for ``events``, 1 to 2^40 bytes (`clientEventsBytesMax`).
  ///     Above it the client stops reading, and the broker waits or closes the connection as slow (4001). While the client
  ///     waits for an answer it continues to read; above eight times as much the connection ends with
  ///     ``ClientError/tooManyEvents(bytesMax:)``.
  /// - Throws: ``ClientError``.
  public static func connect(
    host: String, port: Int, workspace: WorkspaceScope = .workspace(.default), tls: TLSContext? = nil,
    group: any EventLoopGroup, messageBytesMax: Int = messageBytesMax, eventsBytesMax: Int = eventsBytesMax
  ) async throws(ClientError) -> CasebusClient {
    let (messageBytesMax, eventsBytesMax) = (messageBytesMax.clamped(1 << 30), eventsBytesMax.clamped(1 << 40))
    let queue = EventQueue(decode: ClientLink.event(in:))
    var configuration = ConnectionConfiguration()
    configuration.limits.messageBytesMax = messageBytesMax
    configuration.limits.frameBytesMax = messageBytesMax
    let connector = WebSocketConnector(group: group, configuration: configuration, tls: tls)
    do {
      let link = try await connector.connect(host: host, port: port, target: "/v2?workspace=\(workspace)") {
        ClientLink($0, events: queue, eventsBytesMax: eventsBytesMax)
      }
      return CasebusClient(link: link, events: Events(queue: queue))
    } catch {
      throw ClientError(error)
    }
  }

  /// How the connection ended; nil while it is open.
  public var end: ClientError? { link.end }

  /// Subscribes to events by their names, such as `interaction` or `messenger:lunch`.
  /// - Parameters:
  ///   - positions: whether answers and events have positions (Protocol §9.1).
  ///   - since: the position after which to begin (Protocol §9.2); requires that this is the only subscription.
  ///   - durable: the durable consumer to join (Protocol §9.3); requires that this is the only subscription.
  /// - Throws: ``ClientError``.
  public func subscribe(
    to names: [String], positions: Bool = false, since: ResumePoint? = nil, durable: String? = nil
  ) async throws(ClientError) -> SubscribeResult {
    let answer = try await link.ask { reference in
      var message: JSONObject = ["event": "subscribe", "data": .array(names.map(JSONValue.string))]
      if positions { message["positions"] = true }
      message["since"] = since?.json
      message["durable"] = durable.map(JSONValue.string)
      message["referenceId"] = reference
      return .object(message)
    }
    guard case .subscribed(_, let result) = answer else { throw ClientError.unexpectedAnswer(answer) }
    return result
  }

  /// Acknowledges an event of a durable consumer, and the events of its workspace that were delivered before it
  /// (Protocol §9.4); waits until that is durable. Does nothing for an event without a position.
  /// - Throws: ``ClientError``.
  public func acknowledge(_ event: Event) async throws(ClientError) {
    guard let position = event.labels.position else { return }
    try await acknowledge(upTo: position.offset, in: event.labels.workspaceID)
  }

  /// Acknowledges the event of a durable consumer at an offset, and the events delivered before it (Protocol §9.4).
  /// - Parameter workspace: required on connections for all workspaces, else nil.
  /// - Throws: ``ClientError``.
  public func acknowledge(upTo offset: UInt64, in workspace: WorkspaceID? = nil) async throws(ClientError) {
    _ = try await link.ask { reference in
      var data: JSONObject = [:]
      data["workspaceId"] = workspace.map { .string($0.text) }
      data["offset"] = .number(JSONNumber(offset))
      return ["event": "ack", "data": .object(data), "referenceId": reference]
    }
  }

  /// Ends a subscription.
  /// - Throws: ``ClientError``.
  public func unsubscribe(_ id: SubscriptionID) async throws(ClientError) {
    _ = try await link.ask { reference in
      ["event": "unsubscribe", "data": .string(id.text), "referenceId": reference]
    }
  }

  /// Publishes, and waits until the broker has committed it.
  /// - Parameters:
  ///   - workspace: required on connections for all workspaces (Protocol §2.3), else nil.
  ///   - messageID: unique in the workspace; makes it harmless to publish the same again if no answer came
  ///     (Protocol §5.5).
  /// - Throws: ``ClientError``.
  public func publish(
    _ event: String, _ data: JSONValue, in workspace: WorkspaceID? = nil, messageID: String? = nil
  ) async throws(ClientError) {
    _ = try await link.ask { reference in
      var message: JSONObject = ["event": "publish", "data": ["event": .string(event), "data": data]]
      message["workspaceId"] = workspace.map { .string($0.text) }
      message["referenceId"] = reference
      message["messageId"] = messageID.map(JSONValue.string)
      return .object(message)
    }
  }

  /// Makes a request such as `interaction.markdone`, and returns its result.
  /// - Parameters:
  ///   - workspace: the workspace of the request, on connections for all workspaces (Protocol §2.3); else nil.
  ///   - messageID: unique in the workspace; makes it harmless to repeat the request if no answer came
  ///     (Protocol §5.5).
  /// - Throws: ``ClientError``.
  public func request(
    _ name: String, _ parameters: [JSONValue] = [], in workspace: WorkspaceID? = nil, messageID: String? = nil
  ) async throws(ClientError) -> JSONValue {
    let answer = try await link.ask { reference in
      var message: JSONObject = ["request": .string(name)]
      message["workspaceId"] = workspace.map { .string($0.text) }
      if !parameters.isEmpty { message["parameters"] = .array(parameters) }
      message["referenceId"] = reference
      message["messageId"] = messageID.map(JSONValue.string)
      return .object(message)
    }
    guard case .response(_, let data, _, _) = answer else { throw ClientError.unexpectedAnswer(answer) }
    return data
  }

  /// Closes the connection with a closing handshake, and waits for its end. Queued events are dropped.
  public func close() async {
    await link.close()
  }
}

extension Int {
  /// Limits a size: adding to one near 2^63 would trap.
  fileprivate func clamped(_ upperBound: Int) -> Int { Swift.min(Swift.max(1, self), upperBound) }
}

extension ResumePoint {
  fileprivate var json: JSONValue {
    switch self {
    case .beginning: "beginning"
    case .after(let position): ["epoch": .string(position.epoch), "offset": .number(JSONNumber(position.offset))]
    }
  }
}
