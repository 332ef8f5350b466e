import Foundation
import NIOCore
import Testing

@testable import CasebusTLS

/// For the address sanitizer (`make sanitize`), which finds at the end of the process what nobody holds any more.
@Suite struct LeakTests {
  /// How many handshakes; many more where leaks are looked for.
  static let count = ProcessInfo.processInfo.environment["CASEBUS_TLS_HANDSHAKES"].flatMap(Int.init) ?? 300

  /// A third is broken off, each at another byte of what the client sends; both versions take turns.
  @Test func handshakesLeaveNothingBehindWhetherTheyEndWellOrNot() throws {
    let clients = try TLSVersion.allCases.map { try TLSContext.trusting(Peers.identity, $0) }
    let server = try TLSContext.server(Peers.identity)
    var completed = 0
    for number in 0..<Self.count {
      var peers = try Peers(client: clients[number % 2], server: server)
      if number % 3 == 0 {
        breakOff(&peers, atByte: number % 700)
      } else {
        peers.run()
        exchange(&peers)
      }
      completed += peers.serverEvents.first == .handshakeCompleted ? 1 : 0
    }
    #expect(completed >= Self.count * 2 / 3 - 1)
  }

  @Test func refusedCertificatesLeaveNothingBehind() throws {
    let other = try TLSIdentity.selfSigned(hostNames: ["other.test"])
    let (client, server) = try (TLSContext.trusting(other), TLSContext.server(Peers.identity))
    for _ in 0..<Self.count / 30 {
      var peers = try Peers(client: client, server: server)
      peers.run()
      #expect(peers.clientEvents.failure == .certificateRefused(.selfSigned("CN=localhost")))
    }
  }

  @Test func contextsAndFilesLeaveNothingBehind() throws {
    let file = try TemporaryFile(Peers.identity.certificatePEM + Peers.identity.keyPEM).path
    for _ in 0..<Self.count / 30 {
      var configuration = TLSServerConfiguration(identities: [
        try TLSIdentity(certificateFile: file, keyFile: file), try .selfSigned(hostNames: ["a.test", "b.test"]),
      ])
      configuration.clientCertificates = .required(authorityFile: file)
      let first = try TLSContext(server: configuration)
      _ = try TLSContext(server: configuration, replacing: first)
      #expect(throws: TLSConfigurationError.self) { try TLSIdentity(certificateFile: file, keyFile: "/no/such") }
    }
  }

  private func breakOff(_ peers: inout Peers, atByte byte: Int) {
    peers.take()
    guard var hello = peers.client.nextOutbound(), var part = hello.readSlice(length: min(byte, hello.readableBytes))
    else { return }
    peers.server.receive(&part)
    peers.server.endOfInput()
    peers.take()
  }

  private func exchange(_ peers: inout Peers) {
    peers.client.send(ByteBuffer(repeating: 1, count: 1000))
    peers.run()
    peers.client.startClose()
    peers.server.startClose()
    peers.run()
  }
}
