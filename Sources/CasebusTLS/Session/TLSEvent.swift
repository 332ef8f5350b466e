package import struct NIOCore.ByteBuffer

/// An event in the peer's bytes.
package enum TLSEvent: Hashable, Sendable {
  /// From now on data can be sent.
  case handshakeCompleted
  /// Decrypted data of the peer; never empty.
  case data(ByteBuffer)
  /// The peer sends nothing more (close_notify, RFC 8446 §6.1); data can still be sent to it.
  case peerClosed
  /// The connection is over; nothing follows.
  case failed(TLSError)
}

/// The result of the handshake.
package struct TLSParameters: Hashable, Sendable {
  /// Such as `TLSv1.3`.
  package var version: String
  /// Such as `TLS_AES_256_GCM_SHA384`.
  package var cipher: String
  /// Whether an earlier session was resumed, without certificates.
  package var isResumed: Bool
  /// By ALPN; nil if the client did not offer any.
  package var applicationProtocol: String?
  /// The subject of the peer's certificate in the form of RFC 2253; nil without one.
  package var peerSubject: String?
}
