package import struct NIOCore.ByteBuffer

/// What the machine found in the bytes that it was given.
package enum TLSEvent: Hashable, Sendable {
  /// From now on data can be sent.
  case handshakeCompleted
  /// What the peer sent, decrypted; never empty.
  case data(ByteBuffer)
  /// The peer sends nothing more (close_notify, RFC 8446 §6.1); it may still be sent to.
  case peerClosed
  /// The connection is over; nothing follows.
  case failed(TLSError)
}

/// What was agreed on in the handshake.
package struct TLSParameters: Hashable, Sendable {
  /// Such as `TLSv1.3`.
  package var version: String
  /// Such as `TLS_AES_256_GCM_SHA384`.
  package var cipher: String
  /// Whether an earlier session goes on, without certificates.
  package var isResumed: Bool
  /// By ALPN; nil if the client did not offer any.
  package var applicationProtocol: String?
  /// Whom the peer's certificate is of, as RFC 2253 writes names; nil if it has shown none.
  package var peerSubject: String?
}
