package import NIOCore

#if canImport(Glibc)
  internal import Glibc
#endif

/// The way out of a channel for the handler next to the socket: straight to it while nothing waits in the channel, through
/// the channel's queue otherwise.
///
/// The detour through the channel costs more than the kernel's part of a small write (Docs/internals/fan-out.md). Only what
/// the kernel does not take is written to the channel, and then everything after it must queue behind: the handler says
/// ``enteredQueue()`` and ``leftQueue(_:)`` around each such write. Errors are the channel's to find out: bytes that the
/// kernel refuses count as not taken.
package struct SocketOutput {
  /// nil before the channel has a socket and after it.
  private var socket: NIOBSDSocket.Handle?
  private var queuedWrites = 0

  /// Nothing is sent straight before ``open(_:)``.
  package init() {}

  /// Whether nothing waits in the channel.
  package var isQueueEmpty: Bool { queuedWrites == 0 }

  /// Looks up the socket of a channel; there may be none, as in tests.
  ///
  /// It is kept, because asking for it costs more than the rest of a write, and must not be used once NIO has closed it: its
  /// number may belong to somebody else's socket then. NIO closes it on this event loop and then says so, before anything
  /// else can happen on the loop: it fails the writes that wait in the channel, keeps the promise of the close, and fires
  /// `channelInactive` (`BaseSocketChannel.close0`). So the handler calls ``leftQueue(_:)`` before it does anything else
  /// about a write, ``close()`` when the channel becomes inactive, and ``close()`` before it closes with a promise.
  package mutating func open(_ channel: any Channel) {
    socket = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
  }

  /// The channel is, or will be, without its socket.
  package mutating func close() {
    socket = nil
  }

  /// Hands bytes to the kernel, unless others wait before them; what it takes is removed from them.
  package func send(_ bytes: inout ByteBuffer) {
    guard queuedWrites == 0, let socket else { return }
    bytes.moveReaderIndex(forwardBy: Self.send(bytes, to: socket))
  }

  /// What the kernel has taken and the peer's has not acknowledged: as long as that is so it may be lost (tcp(7), SIOCOUTQ).
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

  /// Something is written to the channel.
  package mutating func enteredQueue() {
    queuedWrites += 1
  }

  /// What was written to the channel has reached the socket, or never will: then the channel is closed, or about to be.
  package mutating func leftQueue<Failure: Error>(_ result: Result<Void, Failure>) {
    queuedWrites -= 1
    if case .failure = result { close() }
  }
}

extension ByteBuffer {
  /// These bytes for waiting long: a little that is left of a large batch, which others share, is copied, so that it does
  /// not keep the whole in memory.
  package func detachedIfSmall() -> ByteBuffer {
    readableBytes < readerIndex / 4 ? ByteBuffer(bytes: readableBytesView) : self
  }
}

@available(*, unavailable)
extension SocketOutput: Sendable {}
