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
    /// Its workspace, on connections for all workspaces only; its position, for those who asked for it.
    public var labels: EventLabels
  }

  /// The events of all subscriptions; ends with the connection.
  public let events: Events
  private let link: ClientLink

  /// The longest message that is taken from a broker, and the longest that makes sense to send
  /// (`clientMessageBytesMax`).
  public static let messageBytesMax = 16 << 20
  /// How much of the events that nobody has taken yet is kept (`clientEventsBytesMax`).
  public static let eventsBytesMax = 16 << 20

  private init(link: ClientLink, events: Events) {
    self.link = link
    self.events = events
  }

  /// Connects to a broker.
  /// - Parameters:
  ///   - workspace: one workspace, or all of them (then only ``subscribe(to:)`` works).
  ///   - tls: nil for a connection that is not encrypted.
  ///   - messageBytesMax: the longest message that is taken from the broker, 1 to 2^30 (`clientMessageBytesMax`).
  ///   - eventsBytesMax: how much of the events that wait for ``events`` to be taken is kept, 1 to 2^40
  ///     (`clientEventsBytesMax`). Over it nothing more is read from the broker, which holds back, or ends the connection
  ///     as that of a slow consumer (4001). While an answer is waited for it is read on; where that brings eight times as
  ///     much, the connection ends with ``ClientError/tooManyEvents(bytesMax:)``.
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

  /// How the connection ended; nil while it has not.
  public var end: ClientError? { link.end }

  /// Subscribes to events by their names, such as `interaction` or `messenger:lunch`.
  /// - Parameters:
  ///   - positions: whether answers and events are to tell their positions (Protocol §9.1).
  ///   - since: after which event to begin (Protocol §9.2); it must be the only subscription then.
  ///   - durable: the durable consumer to be part of (Protocol §9.3); it must be the only subscription then.
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

  /// Says that this session of a durable consumer is done with an event, and with all that it was given before it in the
  /// same workspace (Protocol §9.4); waits until that is durable.
  /// - Throws: ``ClientError``.
  public func acknowledge(_ event: Event) async throws(ClientError) {
    guard let position = event.labels.position else { return }
    try await acknowledge(upTo: position.offset, in: event.labels.workspaceID)
  }

  /// Says that this session of a durable consumer is done with everything that it was given up to an offset.
  /// - Parameter workspace: on connections for all workspaces, and only there.
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
  ///   - workspace: which one it is for, on connections for all workspaces (Protocol §2.3).
  ///   - messageID: unique in the workspace; with it, the same may be published again when no answer came, and
  ///     happens once (Protocol §5.5).
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

  /// Makes a request such as `interaction.markdone`; gives its result.
  /// - Parameters:
  ///   - workspace: which one it is for, on connections for all workspaces (Protocol §2.3).
  ///   - messageID: unique in the workspace; with it, the same may be asked again when no answer came, and
  ///     happens once (Protocol §5.5).
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

  /// Ends the connection with a closing handshake, and waits for its end. Events that were not taken are dropped.
  public func close() async {
    await link.close()
  }
}

extension Int {
  /// Sizes near 2^63 would end the process where something is added to them.
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
