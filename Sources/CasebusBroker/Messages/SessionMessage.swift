import CasebusJournal
import CasebusProtocol
import NIOCore

/// What the sessions of a loop hear from workspaces, in order.
enum SessionMessage: Sendable {
  /// What became durable in one workspace, or what was decided outside of all.
  case release(WorkspaceRelease)
  case delivery(DurableDelivery)
  /// The session is ended, behind what it was given before.
  case close(SessionKey, CloseCode, reason: String)

  /// What it holds in memory, about.
  var bytes: Int {
    switch self {
    case .release(let release): release.bytes
    case .delivery(let delivery): delivery.record.data.readableBytes
    case .close: 0
    }
  }
}
