internal import COpenSSL
internal import struct NIOCore.ByteBuffer

/// One TLS connection, without I/O: OpenSSL between two heaps of bytes.
///
/// A stream machine. Give it bytes with ``receive(_:)``; then take ``nextEvent()`` until there is none, and after each event
/// what is in ``nextOutbound()``: it is to go to the peer before anything that the event leads to. A client is
/// drained once at its beginning, which makes its first message. After ``send(_:)`` and ``startClose()`` only
/// ``nextOutbound()`` has something.
///
/// It keeps no plaintext: each event takes what is there, so the bytes in it are at most those that were given to it, and
/// one record (16 KiB) that was not whole before.
package final class TLSSession {
  let context: TLSContext
  /// OpenSSL's object; valid as long as this.
  let ssl: OpaquePointer
  let wire = TLSWire()
  var state: State
  /// Found out together with the event before it.
  var heldBack: TLSEvent?
  /// The transport will bring nothing more.
  var isInputEnded = false
  /// The certificate that was not accepted.
  var refusedCertificate: Certificate?
  /// The host that a client wants to talk to.
  let peerHost: String?

  enum State {
    /// A server waits for the first bytes, to see whether they are TLS at all.
    case sniffing
    case handshaking
    case open(Halves)
    case failed
  }

  struct Halves {
    /// The peer has not said that it is done.
    var isInputOpen = true
    /// This side has not said that it is done.
    var isOutputOpen = true
    /// What was sent because the peer made us, since it sent data for the last time.
    var provokedBytes = 0
  }

  /// A connection from a client.
  package init(server context: TLSContext) {
    precondition(context.role == .server, "this context is for clients")
    self.context = context
    peerHost = nil
    ssl = Self.makeSSL(context, wire)
    state = .sniffing
    SSL_set_accept_state(ssl)
    rememberRefusals()
  }

  /// A connection to a server.
  /// - Parameter host: the name or address that its certificate has to be for.
  /// - Throws: if OpenSSL takes no such name.
  package init(client context: TLSContext, host: String) throws(TLSConfigurationError) {
    precondition(context.role == .client, "this context is for servers")
    self.context = context
    peerHost = host
    ssl = Self.makeSSL(context, wire)
    state = .handshaking
    SSL_set_connect_state(ssl)
    rememberRefusals()
    try expect(host)
  }

  deinit {
    SSL_free(ssl)
  }

  private static func makeSSL(_ context: TLSContext, _ wire: TLSWire) -> OpaquePointer {
    OpenSSLErrors.clear()
    guard let ssl = SSL_new(context.pointer) else { preconditionFailure("no memory") }
    let bio = wire.makeBIO()
    SSL_set_bio(ssl, bio, bio)  // takes the one reference for both directions
    return ssl
  }

  /// Whether data can be sent.
  package var isOpen: Bool {
    if case .open(let halves) = state { halves.isOutputOpen } else { false }
  }

  /// What was agreed on; once the handshake is completed.
  package var parameters: TLSParameters {
    TLSParameters(
      version: String(cString: SSL_get_version(ssl)),
      cipher: String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))),
      isResumed: SSL_session_reused(ssl) == 1, applicationProtocol: applicationProtocol, peerSubject: peerSubject)
  }

  /// Whom the peer's certificate is of, as RFC 2253 writes names; nil if it has shown none, or the handshake is not over.
  package var peerSubject: String? { peerCertificate?.subject }

  var peerCertificate: Certificate? {
    SSL_get1_peer_certificate(ssl).map { Certificate(owning: $0) }
  }

  private var applicationProtocol: String? {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &name, &count)
    return name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self) }
  }
}

@available(*, unavailable)
extension TLSSession: Sendable {}
