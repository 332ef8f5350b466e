import CasebusTLS
import CasebusWebSocket
import NIOCore

/// Makes WebSocket connections of channels with a valid opening handshake.
struct WebSocketOpening<Acceptor: WebSocketAcceptor>: Sendable {
  /// The result of a valid opening handshake.
  struct Admission {
    var ticket: Acceptor.Ticket
    var response: OpeningHandshakeResponse
  }

  private let connections: ServerConnections
  private let acceptor: Acceptor
  private let handshake: OpeningHandshake
  private let hasTLS: Bool

  init(acceptor: Acceptor, connections: ServerConnections, hasTLS: Bool) {
    self.acceptor = acceptor
    self.connections = connections
    self.hasTLS = hasTLS
    handshake = OpeningHandshake(connections.configuration)
  }

  var configuration: ConnectionConfiguration { connections.configuration }
  var timers: PerLoop<TimerWheel> { connections.timers }
  var counters: PerLoop<ConnectionCounter> { connections.counters }

  /// Who is at the other end of a channel; on its event loop.
  func peer(of channel: any Channel) -> OpeningRequest.Peer { channel.peer(isSecure: hasTLS) }

  /// - Throws: the answer to give instead of 101.
  func admit(
    method: String, target: String, headers: some Sequence<(name: String, value: String)>, from channel: any Channel
  ) throws(OpeningHandshakeRejection) -> Admission {
    let request = OpeningRequest(method: method, target: target, headers: headers, peer: peer(of: channel))
    let (ticket, response) = try handshake.check(request, with: acceptor)
    return Admission(ticket: ticket, response: response)
  }

  /// The answer was sent: the channel is a WebSocket connection from now on.
  func open(_ admission: Admission, in channel: any Channel) throws {
    let compression = admission.response.deflate.flatMap { connections.deflaters?.compression(for: $0) }
    let connection = WebSocketConnection(role: .server, limits: configuration.limits, compression: compression)
    let handler = WebSocketHandler(
      connection: connection, configuration: configuration, backlog: connections.backlog,
      timers: timers.value(on: channel.eventLoop),
      tls: hasTLS ? try channel.pipeline.syncOperations.handler(type: TLSHandler.self) : nil)
    try channel.pipeline.syncOperations.addHandler(handler)
    counters.value(on: channel.eventLoop).counts.handshakesTaken += 1
    handler.open(acceptor.open(admission.ticket, handler, on: channel.eventLoop))
  }
}
