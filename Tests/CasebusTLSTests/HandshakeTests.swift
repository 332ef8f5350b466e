import COpenSSL
import NIOCore
import Testing

@testable import CasebusTLS

@Suite struct HandshakeTests {
  @Test(arguments: TLSVersion.allCases, Pieces.all)
  func bothRolesShakeHandsHoweverTheBytesAreCut(_ version: TLSVersion, _ pieces: Pieces) throws {
    var peers = try Peers(version)
    peers.run(pieces)
    #expect(peers.clientEvents == [.handshakeCompleted])
    #expect(peers.serverEvents == [.handshakeCompleted])
    #expect(peers.server.parameters.version == "TLSv\(version.rawValue)")
    #expect(peers.server.parameters == peers.client.parameters.withoutPeer)
    #expect(peers.client.parameters.peerSubject == "CN=localhost")
    #expect(peers.server.parameters.applicationProtocol == "http/1.1")
  }

  @Test(arguments: TLSVersion.allCases, Pieces.all)
  func dataArrivesAsItWasSentHoweverTheBytesAreCut(_ version: TLSVersion, _ pieces: Pieces) throws {
    var peers = try Peers(version)
    peers.run(pieces)
    let question = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let answer = Array(question.reversed().prefix(17_000))
    peers.client.send(ByteBuffer(bytes: question))
    peers.server.send(ByteBuffer(bytes: answer[..<1]))
    peers.server.send(ByteBuffer(bytes: answer[1...]))
    peers.run(pieces)
    #expect(peers.serverEvents.data == question)
    #expect(peers.clientEvents.data == answer)
    #expect(peers.server.nextEvent() == nil)
  }

  /// 1000 bytes are one record, 40,000 bytes three: a header of 5 bytes, the type in 1, the tag in 16 (RFC 8446 §5.2).
  @Test(arguments: [(1, 1), (1000, 1), (16_384, 1), (16_385, 2), (40_000, 3)])
  func dataTakesAsFewRecordsAsPossible(_ bytes: Int, _ records: Int) throws {
    var peers = try Peers()
    peers.run()
    peers.server.send(ByteBuffer(repeating: 7, count: bytes))
    #expect(peers.server.nextOutbound()?.readableBytes == bytes + records * 22)
    #expect(peers.server.nextOutbound() == nil)
  }

  @Test func clientsThatOnlySpeakOldVersionsAreRefused() throws {
    let server = try TLSContext.server(Peers.identity) { $0.protocols.minimumVersion = .tls13 }
    var peers = try Peers(client: .trusting(Peers.identity, .tls12), server: server)
    peers.run()
    #expect(peers.serverEvents == [.failed(.violation("unsupported protocol"))])
    #expect(peers.clientEvents == [.failed(.alertReceived("protocol version"))])
  }

  @Test(arguments: [TLS1_VERSION, TLS1_1_VERSION])
  func versionsBefore12AreRefused(_ version: Int32) throws {
    let client = try TLSContext.trusting(Peers.identity) { $0.protocols.ciphers = "ALL:@SECLEVEL=0" }
    for command in [SSL_CTRL_SET_MIN_PROTO_VERSION, SSL_CTRL_SET_MAX_PROTO_VERSION] {
      #expect(SSL_CTX_ctrl(client.pointer, command, Int(version), nil) == 1)
    }
    var peers = try Peers(client: client, server: .server(Peers.identity))
    peers.run()
    #expect(peers.serverEvents.failure == .violation("unsupported protocol"))
    #expect(peers.clientEvents.failure == .alertReceived("protocol version"))
  }

  @Test(arguments: ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "NULL"])
  func suitesWithoutForwardSecrecyOrAuthenticatedEncryptionAreRefused(_ suite: String) throws {
    let client = try TLSContext.trusting(Peers.identity, .tls12) { $0.protocols.ciphers = "\(suite):@SECLEVEL=0" }
    var peers = try Peers(client: client, server: .server(Peers.identity))
    peers.run()
    #expect(peers.serverEvents == [.failed(.violation("no shared cipher"))])
  }

  @Test func theServerPrefersItsOwnOrderOfSuites() throws {
    let suites = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"]
    let server = try TLSContext.server(Peers.identity) { $0.protocols.ciphers = suites.joined(separator: ":") }
    let client = try TLSContext.trusting(Peers.identity, .tls12) {
      $0.protocols.ciphers = suites.reversed().joined(separator: ":")
    }
    var peers = try Peers(client: client, server: server)
    peers.run()
    #expect(peers.server.parameters.cipher == suites[0])
  }

  @Test func aClientThatWantsOnlyOtherProtocolsIsRefused() throws {
    let client = try TLSContext.trusting(Peers.identity) { $0.protocols.applicationProtocols = ["h2", "h3"] }
    var peers = try Peers(client: client, server: .server(Peers.identity))
    peers.run()
    #expect(peers.clientEvents == [.failed(.alertReceived("no application protocol"))])
  }

  @Test func ofSeveralProtocolsTheServersFirstIsTaken() throws {
    let client = try TLSContext.trusting(Peers.identity) { $0.protocols.applicationProtocols = ["h2", "http/1.1"] }
    var peers = try Peers(client: client, server: .server(Peers.identity))
    peers.run()
    #expect(peers.client.parameters.applicationProtocol == "http/1.1")
  }

  @Test func aClientWithoutALPNIsServed() throws {
    let client = try TLSContext.trusting(Peers.identity) { $0.protocols.applicationProtocols = [] }
    var peers = try Peers(client: client, server: .server(Peers.identity))
    peers.run()
    #expect(peers.clientEvents == [.handshakeCompleted])
    #expect(peers.server.parameters.applicationProtocol == nil)
  }

  @Test(arguments: ["one.test", "two.test", "deep.two.test", "other.test"])
  func theCertificateIsChosenByTheNameThatIsAskedFor(_ name: String) throws {
    let one = try TLSIdentity.selfSigned(hostNames: ["one.test", "other.test"])
    let two = try TLSIdentity.selfSigned(hostNames: ["two.test", "*.two.test"])
    let expected = name.hasSuffix("two.test") ? two : one
    var peers = try Peers(client: .trusting(expected), server: .server(one, two), host: name)
    peers.run()
    #expect(peers.clientEvents == [.handshakeCompleted])
    #expect(peers.client.parameters.peerSubject == expected.subject)
  }

  @Test func aKeyUpdateIsAnsweredAndDataGoesOn() throws {
    var peers = try Peers()
    peers.run()
    #expect(SSL_key_update(peers.client.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
    peers.client.send(ByteBuffer(string: "new keys"))
    peers.run()
    peers.server.send(ByteBuffer(string: "mine, too"))
    peers.run()
    #expect(peers.serverEvents.data == Array("new keys".utf8))
    #expect(peers.clientEvents.data == Array("mine, too".utf8))
  }

  @Test func aPeerThatOnlyMakesTheOtherAnswerIsCutOff() throws {
    var peers = try Peers()
    peers.run()
    var updates = 0
    while peers.serverEvents.failure == nil, updates < 1000 {
      #expect(SSL_key_update(peers.client.ssl, SSL_KEY_UPDATE_REQUESTED) == 1)
      #expect(SSL_do_handshake(peers.client.ssl) == 1)
      updates += 1
      peers.run()
    }
    #expect(peers.serverEvents.failure == .chatter)
    #expect((50...300).contains(updates))
  }
}

extension TLSParameters {
  fileprivate var withoutPeer: TLSParameters {
    var parameters = self
    parameters.peerSubject = nil
    return parameters
  }
}
