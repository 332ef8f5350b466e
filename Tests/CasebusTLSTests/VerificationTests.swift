import NIOCore
import Testing

@testable import CasebusTLS

@Suite struct VerificationTests {
  private func failure(_ identity: TLSIdentity, trusting trusted: TLSIdentity, host: String = "localhost") throws
    -> (client: TLSError?, server: TLSError?)
  {
    var peers = try Peers(client: .trusting(trusted), server: .server(identity), host: host)
    peers.run()
    return (peers.clientEvents.failure, peers.serverEvents.failure)
  }

  @Test func aCertificateForAnotherHostIsRefused() throws {
    let found = try failure(Peers.identity, trusting: Peers.identity, host: "broker.test")
    #expect(found.client == .certificateRefused(.wrongHost("broker.test", hostNames: ["localhost"])))
    #expect(
      found.client?.description == "TLS: the certificate is not for broker.test, it is for localhost")
    // By then a TLS 1.3 server has not finished yet.
    #expect(found.server == .alertReceived("bad certificate"))
  }

  @Test func aCertificateForAnotherAddressIsRefused() throws {
    let found = try failure(Peers.identity, trusting: Peers.identity, host: "127.0.0.2")
    #expect(found.client == .certificateRefused(.wrongHost("127.0.0.2", hostNames: ["localhost"])))
  }

  @Test func aCertificateForTheAddressIsAccepted() throws {
    let found = try failure(Peers.identity, trusting: Peers.identity, host: "127.0.0.1")
    #expect(found.client == nil)
    #expect(found.server == nil)
  }

  @Test func anExpiredCertificateIsRefused() throws {
    let old = try TLSIdentity.selfSigned(hostNames: ["localhost"], from: -7200, until: -3600)
    let found = try failure(old, trusting: old)
    guard case .certificateRefused(.expired(let reason)) = found.client else {
      Issue.record("\(String(describing: found))")
      return
    }
    #expect(reason == "the certificate of CN=localhost expired on \(old.expiry)")
    #expect(found.server == .alertReceived("certificate expired"))
  }

  @Test func aCertificateOfTheFutureIsRefused() throws {
    let new = try TLSIdentity.selfSigned(hostNames: ["localhost"], from: 3600)
    guard case .certificateRefused(.notYetValid(let reason)) = try failure(new, trusting: new).client else {
      Issue.record("it was not refused")
      return
    }
    #expect(reason.hasPrefix("the certificate of CN=localhost is not valid before "))
  }

  @Test func aSelfSignedCertificateIsRefusedUnlessItIsTrusted() throws {
    let other = try TLSIdentity.selfSigned(hostNames: ["other.test"])
    #expect(
      try failure(Peers.identity, trusting: other).client == .certificateRefused(.selfSigned("CN=localhost")))
  }

  @Test func whoeverTrustsEverybodyIsToldNothing() throws {
    var configuration = TLSClientConfiguration()
    configuration.trust = .everybody
    var peers = try Peers(
      client: TLSContext(client: configuration), server: .server(Peers.identity), host: "broker.test")
    peers.run()
    #expect(peers.clientEvents == [.handshakeCompleted])
  }

  @Test func theSystemsAuthoritiesDoNotTrustASelfSignedCertificate() throws {
    var peers = try Peers(client: TLSContext(client: TLSClientConfiguration()), server: .server(Peers.identity))
    peers.run()
    #expect(peers.clientEvents.failure == .certificateRefused(.selfSigned("CN=localhost")))
  }
}

@Suite struct ClientCertificateTests {
  private static let bot = try! TLSIdentity.selfSigned(hostNames: ["bot-7"])

  private func run(
    _ certificates: (String) -> TLSServerConfiguration.ClientCertificates, client: TLSIdentity?, _ version: TLSVersion
  ) throws -> Peers {
    let authorities = try TemporaryFile(Self.bot.certificatePEM).path
    let server = try TLSContext.server(Peers.identity) { $0.clientCertificates = certificates(authorities) }
    var peers = try Peers(client: .trusting(Peers.identity, version) { $0.identity = client }, server: server)
    peers.run()
    return peers
  }

  @Test(arguments: TLSVersion.allCases)
  func itsSubjectIsKnownToTheServer(_ version: TLSVersion) throws {
    let optional = try run({ .optional(authorityFile: $0) }, client: Self.bot, version)
    let required = try run({ .required(authorityFile: $0) }, client: Self.bot, version)
    for peers in [optional, required] {
      #expect(peers.serverEvents == [.handshakeCompleted])
      #expect(peers.server.peerSubject == "CN=bot-7")
    }
  }

  @Test(arguments: TLSVersion.allCases)
  func withoutOneAClientIsServedOnlyIfItIsOptional(_ version: TLSVersion) throws {
    let optional = try run({ .optional(authorityFile: $0) }, client: nil, version)
    #expect(optional.serverEvents == [.handshakeCompleted])
    #expect(optional.server.peerSubject == nil)
    let required = try run({ .required(authorityFile: $0) }, client: nil, version)
    #expect(required.serverEvents.failure == .violation("peer did not return a certificate"))
  }

  @Test(arguments: TLSVersion.allCases)
  func oneOfAnUnknownAuthorityIsRefusedEvenIfItIsOptional(_ version: TLSVersion) throws {
    let stranger = try TLSIdentity.selfSigned(hostNames: ["stranger"])
    let peers = try run({ .optional(authorityFile: $0) }, client: stranger, version)
    #expect(peers.serverEvents.failure == .certificateRefused(.selfSigned("CN=stranger")))
    #expect(peers.clientEvents.failure == .alertReceived("unknown CA"))
  }
}
