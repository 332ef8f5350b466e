package import CasebusWebSocket
package import NIOCore

/// Decides which WebSocket connections are taken, and who gets their messages.
package protocol WebSocketAcceptor: Sendable {
  /// What an admitted connection is for.
  associatedtype Ticket: Sendable

  /// Decides about an opening handshake that is good as such.
  /// - Throws: the answer to give instead of 101.
  func admit(_ request: OpeningRequest) throws(OpeningHandshakeRejection) -> Ticket

  /// The connection is open; called on its event loop.
  func open(_ ticket: Ticket, _ connection: WebSocketHandler, on eventLoop: any EventLoop) -> any MessageReceiver
}
