import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import CasebusTLS

/// The number of a closed socket soon belongs to another one.
@Suite struct ClosedSocketTests {
  @Test func nothingIsSentToASocketThatNIOHasClosed() throws {
    let connection = try Connection()
    defer { connection.end() }
    let successor = try connection.client.eventLoop.submit {
      let server = connection.server
      let tls = try server.pipeline.syncOperations.handler(type: TLSHandler.self)
      let number = try #require(
        try server.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 })
      var successor: SocketPair?
      for _ in 0..<400 {
        tls.send(ByteBuffer(repeating: 7, count: 30_000)) {
          // The writers learn of it when the socket is closed already; at this moment somebody opens others.
          if !server.isActive, successor == nil { successor = SocketPair(with: number) }
        }
      }
      #expect(tls.waitingBytes > 1_000_000)
      server.close(promise: nil)
      return successor
    }.wait()
    let pair = try #require(successor, "another thread was faster")
    defer { pair.close() }
    #expect(pair.bytesReceived == 0)
  }
}

/// Two connected sockets, of which the first has a certain number.
private struct SocketPair {
  private let sockets: [Int32]

  /// Takes all numbers up to the one that is wanted. nil if somebody has it.
  init?(with number: Int32) {
    var pairs: [[Int32]] = []
    repeat {
      var sockets: [Int32] = [-1, -1]
      guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &sockets) == 0 else { return nil }
      pairs.append(sockets)
    } while !pairs.joined().contains(number) && pairs.count < 100
    guard let pair = pairs.firstIndex(where: { $0.contains(number) }) else { return nil }
    let sockets = pairs.remove(at: pair)
    self.sockets = sockets[0] == number ? sockets : sockets.reversed()
    for socket in pairs.joined() { Glibc.close(socket) }
  }

  /// How many bytes were sent to the first socket, up to a page.
  var bytesReceived: Int {
    var bytes = [UInt8](repeating: 0, count: 4096)
    return max(0, recv(sockets[1], &bytes, bytes.count, Int32(MSG_DONTWAIT)))
  }

  func close() {
    for socket in sockets { Glibc.close(socket) }
  }
}

/// A server and a client that does not read, over a real connection, both on one event loop.
private final class Connection: Sendable {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  let client: any Channel
  let server: any Channel

  init() throws {
    let accepted = group.next().makePromise(of: (any Channel).self)
    let listener = try ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Self.handler(TLSSession(server: .server(Peers.identity))))
          accepted.succeed(channel)
        }
      }
      .bind(host: "127.0.0.1", port: 0).wait()
    let address = try #require(listener.localAddress)
    client = try ClientBootstrap(group: group)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let session = try TLSSession(client: .trusting(Peers.identity), host: Peers.host)
          try channel.pipeline.syncOperations.addHandler(Self.handler(session))
        }
      }
      .connect(to: address).wait()
    server = try accepted.futureResult.wait()
    // The server says it when the handshake is over, which is before the client may stop reading.
    try server.writeAndFlush(ByteBuffer(string: "ready")).wait()
    try client.setOption(ChannelOptions.autoRead, value: false).wait()
  }

  private static func handler(_ session: TLSSession) -> TLSHandler {
    TLSHandler(session, TLSHandler.Options(handshakeTimeoutSeconds: 10))
  }

  func end() {
    try? group.syncShutdownGracefully()
  }
}
