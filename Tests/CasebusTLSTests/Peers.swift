import COpenSSL
import NIOCore

@testable import CasebusTLS

/// A client and a server of this library, joined in memory.
struct Peers {
  let client: TLSSession
  let server: TLSSession
  var clientEvents: [TLSEvent] = []
  var serverEvents: [TLSEvent] = []

  static let host = "localhost"
  static let identity = try! TLSIdentity.selfSigned(hostNames: [host, "127.0.0.1"])

  init(client: TLSContext, server: TLSContext, host: String = Peers.host) throws {
    self.client = try TLSSession(client: client, host: host)
    self.server = TLSSession(server: server)
  }

  /// Two that trust one another.
  init(_ version: TLSVersion = .tls13) throws {
    try self.init(client: .trusting(Self.identity, version), server: .server(Self.identity))
  }

  /// Passes on what each has for the other, in pieces, until neither has anything; the events are kept.
  mutating func run(_ pieces: Pieces = .whole) {
    take()
    while true {
      let toServer = client.nextOutbound()
      let toClient = server.nextOutbound()
      if toServer == nil, toClient == nil { return }
      for piece in pieces.of(toServer) { give(piece, to: server, &serverEvents) }
      for piece in pieces.of(toClient) { give(piece, to: client, &clientEvents) }
    }
  }

  /// Takes the events that are there.
  mutating func take() {
    while let event = client.nextEvent() { clientEvents.append(event) }
    while let event = server.nextEvent() { serverEvents.append(event) }
  }

  private func give(_ piece: ByteBuffer, to session: TLSSession, _ events: inout [TLSEvent]) {
    var piece = piece
    session.receive(&piece)
    while let event = session.nextEvent() { events.append(event) }
  }
}

/// How bytes are cut on their way.
enum Pieces {
  case whole
  case bytes
  case random(seed: UInt64)

  static let all = [Pieces.whole, .bytes] + (1...8).map { .random(seed: $0) }

  func of(_ bytes: ByteBuffer?) -> [ByteBuffer] {
    guard var bytes else { return [] }
    var pieces: [ByteBuffer] = []
    var state = 0x9E37_79B9_7F4A_7C15 as UInt64
    if case .random(let seed) = self { state &*= seed }
    while bytes.readableBytes > 0 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let random = 1 + Int(state >> 33) % (state >> 60 < 8 ? 7 : 3000)
      let count =
        switch self {
        case .whole: bytes.readableBytes
        case .bytes: 1
        case .random: min(bytes.readableBytes, random)
        }
      pieces.append(bytes.readSlice(length: count)!)
    }
    return pieces
  }
}

extension TLSContext {
  static func server(_ identities: TLSIdentity..., change: (inout TLSServerConfiguration) -> Void = { _ in }) throws
    -> TLSContext
  {
    var configuration = TLSServerConfiguration(identities: identities)
    change(&configuration)
    return try TLSContext(server: configuration)
  }

  /// A client that trusts this certificate, and speaks no newer version.
  static func trusting(
    _ identity: TLSIdentity, _ newest: TLSVersion = .tls13, change: (inout TLSClientConfiguration) -> Void = { _ in }
  ) throws -> TLSContext {
    var configuration = TLSClientConfiguration()
    configuration.trust = .file(try TemporaryFile(identity.certificatePEM).path)
    change(&configuration)
    let context = try TLSContext(client: configuration)
    let version = newest == .tls12 ? TLS1_2_VERSION : TLS1_3_VERSION
    precondition(SSL_CTX_ctrl(context.pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil) == 1)
    return context
  }
}

extension [TLSEvent] {
  /// All data in them.
  var data: [UInt8] {
    flatMap { event -> [UInt8] in if case .data(let bytes) = event { [UInt8](buffer: bytes) } else { [] } }
  }

  var failure: TLSError? {
    if case .failed(let error) = last { error } else { nil }
  }
}
