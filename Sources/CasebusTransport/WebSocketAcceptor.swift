package import CasebusWebSocket
package import NIOCore

/// Decides which WebSocket connections are taken, and who gets their messages.
package protocol WebSocketAcceptor: Sendable {
  /// What an admitted connection is for.
  associatedtype Ticket: Sendable

  /// Looks at the target of an opening handshake, such as `/v2?workspace=a`.
  /// - Throws: the answer to give instead of 101.
  func admit(target: String) throws(OpeningHandshakeRejection) -> Ticket

  /// The connection is open; called on its event loop.
  func open(_ ticket: Ticket, _ connection: WebSocketHandler, on eventLoop: any EventLoop) -> any MessageReceiver
}
