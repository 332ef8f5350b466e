package import NIOCore

#if canImport(Glibc)
  internal import Glibc
#endif

/// The output of a channel for the handler next to the socket: straight to the socket while the channel's queue is empty,
/// through the queue otherwise.
///
/// The detour through the channel costs more than the kernel's part of a small write (Docs/internals/fan-out.md). Only bytes
/// that the kernel does not take are written to the channel, and later bytes must follow them: the handler calls
/// ``enteredQueue()`` and ``leftQueue(_:)`` around each such write. The channel handles errors: bytes that the kernel refuses
/// count as not taken.
public struct SocketOutput {
  /// nil while the channel has no socket.
  private var socket: NIOBSDSocket.Handle?
  private var queuedWrites = 0

  /// Before ``open(_:)`` everything goes through the queue.
  package init() {}

  /// Whether the channel's queue is empty.
  /// Public, so that the compiler can inline it into other modules: it is read with each delivery.
  public var isQueueEmpty: Bool { queuedWrites == 0 }

  /// Looks up the socket of a channel; in tests there may be none.
  ///
  /// The socket is stored, because looking it up costs more than the rest of a write. It must not be used after NIO closed
  /// it: the descriptor can then belong to another connection. NIO closes it on this event loop and reports that before any
  /// other work of the loop: it fails the queued writes, completes the promise of the close, and fires `channelInactive`
  /// (`BaseSocketChannel.close0`). So the handler calls ``leftQueue(_:)`` before any other reaction to a write, ``close()``
  /// when the channel becomes inactive, and ``close()`` before it closes with a promise.
  package mutating func open(_ channel: any Channel) {
    socket = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
  }

  /// The channel has lost its socket, or is about to.
  package mutating func close() {
    socket = nil
  }

  /// Passes bytes to the kernel, unless earlier ones are queued; the bytes that it takes are removed.
  package func send(_ bytes: inout ByteBuffer) {
    guard queuedWrites == 0, let socket else { return }
    bytes.moveReaderIndex(forwardBy: Self.send(bytes, to: socket))
  }

  /// The bytes that the kernel took and the peer's kernel has not acknowledged; they can still be lost (tcp(7), SIOCOUTQ).
  package var unacknowledgedBytes: Int {
    #if canImport(Glibc)
      var count: CInt = 0
      guard let socket, ioctl(socket, UInt(TIOCOUTQ), &count) == 0 else { return 0 }
      return Int(count)
    #else
      0
    #endif
  }

  private static func send(_ bytes: ByteBuffer, to socket: NIOBSDSocket.Handle) -> Int {
    #if canImport(Glibc)
      bytes.withUnsafeReadableBytes { bytes in
        max(0, Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
      }
    #else
      0
    #endif
  }

  /// The handler is about to write to the channel.
  package mutating func enteredQueue() {
    queuedWrites += 1
  }

  /// A write to the channel has reached the socket, or has failed: then the channel is closed, or about to be.
  package mutating func leftQueue<Failure: Error>(_ result: Result<Void, Failure>) {
    queuedWrites -= 1
    if case .failure = result { close() }
  }
}

extension ByteBuffer {
  /// The bytes in a form that can be queued for long: a small rest of a large shared batch is copied, so that it does not keep
  /// the whole batch in memory.
  package func detachedIfSmall() -> ByteBuffer {
    readableBytes < readerIndex / 4 ? ByteBuffer(bytes: readableBytesView) : self
  }
}

@available(*, unavailable)
extension SocketOutput: Sendable {}
