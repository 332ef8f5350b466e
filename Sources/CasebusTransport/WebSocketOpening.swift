import CasebusWebSocket
import NIOCore

/// Makes WebSocket connections of channels whose opening handshake is good.
struct WebSocketOpening<Acceptor: WebSocketAcceptor>: Sendable {
  /// What a good opening handshake led to.
  struct Admission {
    var ticket: Acceptor.Ticket
    var response: OpeningHandshakeResponse
  }

  let configuration: ConnectionConfiguration
  let timers: PerLoop<TimerWheel>
  private let acceptor: Acceptor
  private let handshake: OpeningHandshake
  private let deflaters: LoopDeflaters?
  private let backlog: OutboundBacklog

  init(acceptor: Acceptor, configuration: ConnectionConfiguration) {
    self.acceptor = acceptor
    self.configuration = configuration
    handshake = OpeningHandshake(configuration)
    timers = PerLoop { TimerWheel($0) }
    deflaters = configuration.deflate.map(LoopDeflaters.init)
    backlog = OutboundBacklog(bytesMax: configuration.outboundTotalBytesMax)
  }

  /// - Throws: the answer to give instead of 101.
  func admit(
    method: String, target: String, headers: some Sequence<(name: String, value: String)>
  ) throws(OpeningHandshakeRejection) -> Admission {
    let (ticket, response) = try handshake.check(method: method, target: target, headers: headers, with: acceptor)
    return Admission(ticket: ticket, response: response)
  }

  /// The answer was sent: the channel is a WebSocket connection from now on.
  func open(_ admission: Admission, in channel: any Channel) throws {
    let compression = admission.response.deflate.flatMap { deflaters?.compression(for: $0) }
    let connection = WebSocketConnection(role: .server, limits: configuration.limits, compression: compression)
    let handler = WebSocketHandler(
      connection: connection, configuration: configuration, backlog: backlog,
      timers: timers.value(on: channel.eventLoop))
    try channel.pipeline.syncOperations.addHandler(handler)
    handler.open(acceptor.open(admission.ticket, handler, on: channel.eventLoop))
  }
}
