package import CasebusWebSocket
package import NIOCore

/// Decides which WebSocket connections are accepted, and who receives their messages.
package protocol WebSocketAcceptor: Sendable {
  /// The acceptor's own data about an admitted connection.
  associatedtype Ticket: Sendable

  /// Decides about a valid opening handshake.
  /// - Throws: the answer to give instead of 101.
  func admit(_ request: OpeningRequest) throws(OpeningHandshakeRejection) -> Ticket

  /// The connection is open; called on its event loop.
  func open(_ ticket: Ticket, _ connection: WebSocketHandler, on eventLoop: any EventLoop) -> any MessageReceiver
}
