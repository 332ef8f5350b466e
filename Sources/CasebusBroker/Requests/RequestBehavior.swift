import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// What the broker does for a request that was checked (Protocol §10). The rows are in one file for each namespace.
/// `RequestTable` has the names, the parameters and the connections.
enum RequestBehavior: Sendable {
  /// Writes the answer's data from the state of the workspace.
  case read(@Sendable (Workspace, Request, inout ByteBuffer) -> Void)
  /// The workspace decides it; the answer has no data.
  case command(@Sendable (Request) -> Command)
  /// Sends a message to the other sessions of the workspace that subscribed to its channel.
  case broadcast(@Sendable (Request) -> (channel: EventName, message: JSONValue))
  /// Asynchronous: later messages of the session are held until it is answered.
  case control(@Sendable (Request) -> ConsumerTask)
  /// Writes the answer's data without the state of a workspace, so that a monitor need not name one.
  case inquiry(@Sendable (RequestScope, Request, inout ByteBuffer) -> Void)
  /// Another program carries it out. There is no such request yet.
  case provider

  /// In the order of the signatures.
  private static let all = RequestTable.complete(
    interaction.merging(messenger) { one, _ in one }.merging(system) { one, _ in one }
      .merging(consumer) { one, _ in one })

  /// What is done for a request that was checked.
  static func of(_ request: Request) -> RequestBehavior {
    guard let row = request.row else { preconditionFailure("the request \(request.name) was not checked") }
    return all[row.index]
  }

  /// Whether later messages of the session are held until it is answered.
  var isControl: Bool { if case .control = self { true } else { false } }
}
