import CasebusTLS
import NIOCore

/// Whatever a client sends, a server neither crashes nor hangs, gives out no data that the client has not sent, and says
/// nothing more once it has failed.
enum TLSFuzz {
  /// The first byte says who talks: 0, these bytes alone; 1, a real client, with some of its bytes changed. The second is the
  /// size of the pieces.
  /// - Returns: what went wrong.
  static func run(_ input: UnsafeRawBufferPointer) -> String? {
    guard input.count > 2 else { return nil }
    let rest = Array(input[2...])
    let pieceBytes = input[1] == 0 ? Int.max : Int(input[1])
    return input[0] & 1 == 0 ? strange(rest, pieceBytes) : changed(rest, pieceBytes)
  }

  private static let identity = try! TLSIdentity.selfSigned(hostNames: ["localhost"])

  private static let server = try! TLSContext(server: TLSServerConfiguration(identities: [identity]))

  private static let client: TLSContext = {
    var configuration = TLSClientConfiguration()
    configuration.trust = .everybody
    return try! TLSContext(client: configuration)
  }()

  /// The bytes are all that the server gets.
  private static func strange(_ bytes: [UInt8], _ pieceBytes: Int) -> String? {
    var side = Side(TLSSession(server: server))
    side.give(ByteBuffer(bytes: bytes), pieceBytes)
    side.session.endOfInput()
    side.drain()
    if side.isOpen { return "a handshake without a client" }
    return side.complaint ?? (side.isOver ? nil : "the end of the input is no event")
  }

  /// Each three bytes of the input are a place among what the client sends, and how the byte there is changed.
  private static func changed(_ changes: [UInt8], _ pieceBytes: Int) -> String? {
    let text = ByteBuffer(string: "what the client has to say")
    var client = Side(try! TLSSession(client: client, host: "localhost"))
    var server = Side(TLSSession(server: server))
    var sent = 0
    for round in 0..<4 {
      client.drain()
      if round == 2, client.isOpen { client.session.send(text) }
      client.takeOutbound()
      server.give(change(client.outbound, at: &sent, by: changes), pieceBytes)
      client.outbound = ByteBuffer()
      client.give(server.outbound, .max)
      server.outbound = ByteBuffer()
    }
    if !server.data.isEmpty, server.data != Array(text.readableBytesView) {
      return "data that was not sent: \(server.data)"
    }
    return server.complaint ?? client.complaint
  }

  private static func change(_ bytes: ByteBuffer, at sent: inout Int, by changes: [UInt8]) -> ByteBuffer {
    var bytes = bytes
    for index in stride(from: 0, to: changes.count - 2, by: 3) {
      let place = Int(changes[index]) << 8 + Int(changes[index + 1]) - sent
      guard let byte = bytes.getInteger(at: place, as: UInt8.self) else { continue }
      bytes.setInteger(byte ^ changes[index + 2], at: place)
    }
    sent += bytes.readableBytes
    return bytes
  }
}

/// One end of a connection, and what it has said.
private struct Side {
  let session: TLSSession
  var outbound = ByteBuffer()
  var data: [UInt8] = []
  var isOpen = false
  var isOver = false
  var complaint: String?

  init(_ session: TLSSession) {
    self.session = session
  }

  mutating func give(_ bytes: ByteBuffer, _ pieceBytes: Int) {
    var bytes = bytes
    while bytes.readableBytes > 0 {
      var piece = bytes.readSlice(length: min(pieceBytes, bytes.readableBytes))!
      session.receive(&piece)
      drain()
    }
  }

  mutating func drain() {
    while let event = session.nextEvent() {
      if isOver { complaint = "\(event) after the end" }
      switch event {
      case .handshakeCompleted: isOpen = true
      case .data(let bytes): data += Array(bytes.readableBytesView)
      case .peerClosed: break
      case .failed: isOver = true
      }
    }
    takeOutbound()
    if outbound.readableBytes > 100_000 { complaint = "\(outbound.readableBytes) bytes in answer" }
  }

  mutating func takeOutbound() {
    if var bytes = session.nextOutbound() { outbound.writeBuffer(&bytes) }
  }
}

#if FUZZING
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzzTLS(_ bytes: UnsafeRawPointer?, _ count: Int) -> CInt {
    if let complaint = TLSFuzz.run(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(complaint) }
    return 0
  }
#endif
