internal import COpenSSL
internal import NIOCore

/// The network as OpenSSL sees it: two byte queues.
///
/// It replaces OpenSSL's memory BIO, which keeps its memory for the life of the connection and copies once more
/// (Docs/decisions/0009).
final class TLSWire {
  /// Bytes from the peer that OpenSSL has not read.
  var inbound = ByteBuffer()
  /// Bytes for the peer.
  var outbound = ByteBuffer()

  /// Whether OpenSSL has written anything for the peer.
  private(set) var hasWritten = false

  /// - Returns: a new BIO that reads and writes here; it must not outlive this.
  func makeBIO() -> OpaquePointer {
    guard let bio = BIO_new(Self.method) else { preconditionFailure("no memory") }
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    return bio
  }

  private static func of(_ bio: OpaquePointer?) -> TLSWire {
    guard let pointer = BIO_get_data(bio) else { preconditionFailure("a foreign BIO") }
    return Unmanaged<TLSWire>.fromOpaque(pointer).takeUnretainedValue()
  }

  private func read(into target: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(target.count, inbound.readableBytes)
    inbound.readWithUnsafeReadableBytes { bytes in
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      return count
    }
    return count
  }

  private func write(_ bytes: UnsafeRawBufferPointer) {
    hasWritten = true
    outbound.writeBytes(bytes)
  }

  // Made once, never freed. Unsafe: immutable afterwards.
  private nonisolated(unsafe) static let method: OpaquePointer = {
    guard let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "Casebus") else {
      preconditionFailure("no memory")
    }
    BIO_meth_set_read(method) { bio, target, count in
      // No more bytes now; OpenSSL reads again at its next call.
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      let read = TLSWire.of(bio).read(into: UnsafeMutableRawBufferPointer(start: target, count: Int(max(0, count))))
      if read == 0 { BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY) }
      return read == 0 ? -1 : Int32(read)
    }
    BIO_meth_set_write(method) { bio, bytes, count in
      TLSWire.of(bio).write(UnsafeRawBufferPointer(start: bytes, count: Int(max(0, count))))
      return count
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
    return method
  }()
}
