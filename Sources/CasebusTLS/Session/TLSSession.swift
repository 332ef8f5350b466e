internal import COpenSSL
internal import struct NIOCore.ByteBuffer

/// One TLS connection, without I/O: OpenSSL between two byte queues.
///
/// A stream machine. Pass received bytes to ``receive(_:)``; then call ``nextEvent()`` until it returns nil, and after each
/// event send ``nextOutbound()`` to the peer before any reaction to the event. A client is drained once at its beginning,
/// which makes its first message. After ``send(_:)`` and ``startClose()`` only ``nextOutbound()`` has output.
///
/// It stores no plaintext: an event has at most the bytes that were passed in, and one record (16 KiB) that was incomplete
/// before.
package final class TLSSession {
  let context: TLSContext
  /// OpenSSL's object; valid while this object lives.
  let ssl: OpaquePointer
  let wire = TLSWire()
  var state: State
  /// A failure that was found together with the event before it.
  var heldBack: TLSEvent?
  /// Whether the transport has ended.
  var isInputEnded = false
  /// The certificate that was not accepted.
  var refusedCertificate: Certificate?
  /// The host that a client wants to talk to.
  let peerHost: String?

  enum State {
    /// A server waits for the first bytes, to check whether they are TLS.
    case sniffing
    case handshaking
    case open(Halves)
    case failed
  }

  struct Halves {
    /// Whether the peer has not sent close_notify.
    var isInputOpen = true
    /// Whether this side has not sent close_notify.
    var isOutputOpen = true
    /// The bytes of answers that the peer caused since its last data.
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
  /// - Parameter host: the name or address that the certificate must be valid for.
  /// - Throws: if OpenSSL refuses the name.
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

  /// The result of the handshake; meaningful only after its end.
  package var parameters: TLSParameters {
    TLSParameters(
      version: String(cString: SSL_get_version(ssl)),
      cipher: String(cString: SSL_CIPHER_get_name(SSL_get_current_cipher(ssl))),
      isResumed: SSL_session_reused(ssl) == 1, applicationProtocol: applicationProtocol, peerSubject: peerSubject)
  }

  /// The subject of the peer's certificate in the form of RFC 2253; nil without one, and before the end of the handshake.
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
