import COpenSSL
import NIOCore
import Testing

@testable import CasebusTLS

@Suite struct BadInputTests {
  @Test(arguments: ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"], Pieces.all)
  func plainHTTPIsToldToUseHTTPS(_ method: String, _ pieces: Pieces) throws {
    let server = TLSSession(server: try .server(Peers.identity))
    var events: [TLSEvent] = []
    for piece in pieces.of(ByteBuffer(string: "\(method) /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
      var piece = piece
      server.receive(&piece)
      while let event = server.nextEvent() { events.append(event) }
    }
    #expect(events == [.failed(.plainHTTP)])
    let answer = String(buffer: try #require(server.nextOutbound()))
    #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
    #expect(answer.hasSuffix("\r\n\r\nthis port speaks TLS: use https:// and wss://\n"))
    #expect(server.nextOutbound() == nil)
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH_9.2\r\n", "GETAWAY from here", "get / HTTP/1.1\r\n\r\n", "\0\0\0\0\0\0\0\0", "PUTTY",
  ])
  func garbageGetsAnAlert(_ garbage: String) throws {
    let server = TLSSession(server: try .server(Peers.identity))
    var bytes = ByteBuffer(string: garbage)
    server.receive(&bytes)
    guard case .failed(.violation) = server.nextEvent() else {
      Issue.record("no violation")
      return
    }
    let alert = try #require(server.nextOutbound())
    #expect(
      Array(alert.readableBytesView.prefix(3)) == [21, 3, 3] || Array(alert.readableBytesView.prefix(3)) == [21, 3, 1])
    #expect(alert.getInteger(at: alert.readerIndex + 5, as: UInt8.self) == 2)  // fatal
    #expect(server.nextEvent() == nil)
  }

  @Test func afterAFailureEverythingIsDropped() throws {
    let server = TLSSession(server: try .server(Peers.identity))
    var bytes = ByteBuffer(repeating: 0, count: 100)
    server.receive(&bytes)
    #expect(server.nextEvent() != nil)
    bytes = ByteBuffer(repeating: 0, count: 100)
    server.receive(&bytes)
    #expect(server.wire.inbound.readableBytes == 0)
    server.send(ByteBuffer(string: "nobody"))
    server.startClose()
    #expect(server.nextEvent() == nil)
  }

  /// The queue is one for the whole thread: what one connection leaves there must not be reported on another.
  @Test func noConnectionsErrorIsReportedOnAnother() throws {
    leaveAnError()
    var peers = try Peers()
    peers.run()
    #expect(peers.clientEvents == [.handshakeCompleted])
    leaveAnError()
    var garbage = ByteBuffer(repeating: 0, count: 100)
    peers.server.receive(&garbage)
    peers.take()
    #expect(peers.serverEvents.failure == .violation("wrong version number"))
    #expect(ERR_peek_error() == 0)
  }

  /// As a call that went wrong does: there is no such suite.
  private func leaveAnError() {
    let context = SSL_CTX_new(TLS_method())
    defer { SSL_CTX_free(context) }
    #expect(SSL_CTX_set_cipher_list(context, "nonsense") == 0)
    #expect(ERR_peek_error() != 0)
  }
}
