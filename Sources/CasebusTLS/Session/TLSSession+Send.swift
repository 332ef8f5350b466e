internal import COpenSSL
package import struct NIOCore.ByteBuffer

extension TLSSession {
  /// Encrypts data in as few records as possible, up to 16 KiB each. After ``startClose()`` and after a failure the data is
  /// dropped.
  ///
  /// Must not be called before the handshake is completed.
  package func send(_ plaintext: ByteBuffer) {
    guard case .open(let halves) = state else {
      if case .failed = state { return }
      preconditionFailure("data before the end of the handshake")
    }
    guard halves.isOutputOpen, plaintext.readableBytes > 0 else { return }
    reserve(for: plaintext.readableBytes)
    plaintext.withUnsafeReadableBytes(write)
  }

  /// A record adds 22 bytes in TLS 1.3, 29 in TLS 1.2 (RFC 8446 §5.2, RFC 5288 §3).
  private func reserve(for count: Int) {
    let records = (count + 16_383) / 16_384
    wire.outbound.reserveCapacity(minimumWritableBytes: count + 32 * records)
  }

  private func write(_ bytes: UnsafeRawBufferPointer) {
    OpenSSLErrors.clear()
    var written = 0
    guard SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &written) == 1 else {
      // The wire takes everything, so only memory or the cipher can fail; reading finds the peer's faults.
      state = .failed
      heldBack = .failed(.violation(OpenSSLErrors.take().text))
      return
    }
    precondition(written == bytes.count, "SSL_write wrote \(written) of \(bytes.count) bytes")
  }

  /// Sends close_notify: this side sends nothing more. The peer's data is still read.
  ///
  /// Before the handshake is completed it sends nothing and only ends the connection.
  package func startClose() {
    guard case .open(var halves) = state else {
      state = .failed
      return
    }
    guard halves.isOutputOpen else { return }
    halves.isOutputOpen = false
    state = .open(halves)
    OpenSSLErrors.clear()
    // 0: sent, the peer's was not received yet; 1: it was.
    if SSL_shutdown(ssl) < 0 { OpenSSLErrors.clear() }
  }

  /// The output for the peer; nil if there is none.
  package func nextOutbound() -> ByteBuffer? {
    guard wire.outbound.readableBytes > 0 else { return nil }
    var bytes = ByteBuffer()
    swap(&bytes, &wire.outbound)
    return bytes
  }
}
