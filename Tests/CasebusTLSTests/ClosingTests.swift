import NIOCore
import Testing

@testable import CasebusTLS

@Suite struct ClosingTests {
  @Test(arguments: TLSVersion.allCases)
  func closeNotifyGoesBothWaysOneAfterTheOther(_ version: TLSVersion) throws {
    var peers = try Peers(version)
    peers.run()
    peers.client.send(ByteBuffer(string: "last words"))
    peers.client.startClose()
    peers.run()
    #expect(peers.serverEvents == [.handshakeCompleted, .data(ByteBuffer(string: "last words")), .peerClosed])
    // The other half goes on.
    peers.server.send(ByteBuffer(string: "heard"))
    peers.run()
    #expect(peers.clientEvents.data == Array("heard".utf8))
    peers.server.startClose()
    peers.run()
    #expect(peers.clientEvents.last == .peerClosed)
    peers.client.endOfInput()
    peers.server.endOfInput()
    peers.take()
    #expect(peers.clientEvents.last == .peerClosed)
    #expect(peers.serverEvents.last == .peerClosed)
  }

  @Test func dataAfterOnesOwnCloseIsDropped() throws {
    var peers = try Peers()
    peers.run()
    peers.client.startClose()
    peers.client.send(ByteBuffer(string: "too late"))
    peers.client.startClose()
    peers.run()
    #expect(peers.serverEvents == [.handshakeCompleted, .peerClosed])
  }

  @Test(arguments: TLSVersion.allCases)
  func anEndWithoutCloseNotifyIsATruncation(_ version: TLSVersion) throws {
    var peers = try Peers(version)
    peers.run()
    peers.client.send(ByteBuffer(string: "is this all?"))
    peers.run()
    peers.server.endOfInput()
    peers.take()
    #expect(peers.serverEvents.data == Array("is this all?".utf8))
    #expect(peers.serverEvents.failure == .truncated)
  }

  @Test func anEndInTheMiddleOfARecordIsATruncationAndThePartIsNotGivenOut() throws {
    var peers = try Peers()
    peers.run()
    peers.client.send(ByteBuffer(repeating: 1, count: 500))
    var record = peers.client.nextOutbound()!
    var part = record.readSlice(length: 400)!
    peers.server.receive(&part)
    peers.server.endOfInput()
    peers.take()
    #expect(peers.serverEvents == [.handshakeCompleted, .failed(.truncated)])
  }

  @Test func aChangedByteEndsTheConnectionWithAnAlert() throws {
    var peers = try Peers()
    peers.run()
    peers.client.send(ByteBuffer(repeating: 1, count: 500))
    var record = peers.client.nextOutbound()!
    record.setInteger(record.getInteger(at: 300, as: UInt8.self)! ^ 1, at: 300)
    peers.server.receive(&record)
    peers.run()
    #expect(peers.serverEvents.failure == .violation("decryption failed or bad record mac"))
    #expect(peers.clientEvents.failure == .alertReceived("bad record mac"))
  }

  /// The data before it is not lost, and the reason is told although OpenSSL was asked again meanwhile.
  @Test func whatCameBeforeAFaultIsGivenOutFirst() throws {
    var peers = try Peers()
    peers.run()
    peers.client.send(ByteBuffer(string: "good"))
    var bytes = peers.client.nextOutbound()!
    bytes.writeString("GET / HTTP/1.1\r\n\r\n")
    peers.server.receive(&bytes)
    peers.take()
    #expect(peers.serverEvents.data == Array("good".utf8))
    #expect(peers.serverEvents.failure == .violation("wrong version number"))
  }

  /// Every byte at which the connection could break, seen from both sides.
  @Test(arguments: TLSVersion.allCases)
  func anEndAtAnyByteOfTheHandshakeIsReported(_ version: TLSVersion) throws {
    let contexts = try (client: TLSContext.trusting(Peers.identity, version), server: TLSContext.server(Peers.identity))
    for toServerBytes in 0... {
      var peers = try Peers(client: contexts.client, server: contexts.server)
      let isWhole = peers.run(toServerBytesMax: toServerBytes)
      peers.client.endOfInput()
      peers.server.endOfInput()
      peers.take()
      let isServerDone = peers.serverEvents.first == .handshakeCompleted
      #expect(peers.serverEvents.failure == (isServerDone ? .truncated : .closedDuringHandshake))
      let isClientDone = peers.clientEvents.first == .handshakeCompleted
      #expect(peers.clientEvents.failure == (isClientDone ? .truncated : .closedDuringHandshake))
      if isWhole { return }
    }
  }

  @Test func closingBeforeTheEndOfTheHandshakeJustEnds() throws {
    var peers = try Peers()
    peers.take()
    peers.client.startClose()
    peers.server.startClose()
    #expect(!peers.client.isOpen)
    peers.run()
    #expect(peers.clientEvents.isEmpty)
    #expect(peers.serverEvents.isEmpty)
  }
}

extension Peers {
  /// As `run()`, but so many bytes reach the server at most.
  /// - Returns: whether that was all that the client had for it.
  fileprivate mutating func run(toServerBytesMax: Int) -> Bool {
    var left = toServerBytesMax
    take()
    while true {
      var toServer = client.nextOutbound() ?? ByteBuffer()
      var toClient = server.nextOutbound() ?? ByteBuffer()
      if toServer.readableBytes == 0, toClient.readableBytes == 0 { return true }
      var part = toServer.readSlice(length: min(left, toServer.readableBytes))!
      left -= part.readableBytes
      server.receive(&part)
      client.receive(&toClient)
      take()
      if toServer.readableBytes > 0 { return false }
    }
  }
}
