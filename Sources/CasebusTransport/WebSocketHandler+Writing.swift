import CasebusTLS
import CasebusWebSocket
public import NIOCore

#if canImport(Glibc)
  import Glibc
#endif

/// The way out. What is written in one tick is gathered and goes out in one piece: straight to the socket while nothing
/// waits for it, through the channel's queue otherwise.
extension WebSocketHandler {
  /// Takes encoded frames, one or more whole ones; they are sent with the next ``flush()``, and dropped once the
  /// connection is closing. The bytes may be shared with other connections.
  public func write(_ frames: ByteBuffer) {
    // Many answers in one tick must not pile up where nothing counts them.
    if gathered.readableBytes >= Self.gatheredBytesMax { flush() }
    if isLagging { checkBacklog() }
    guard connection.isOpen else { return }
    gather(frames)
  }

  /// From so many gathered bytes on, they are sent before more are taken.
  private static var gatheredBytesMax: Int { 262_144 }

  /// Encodes a text message and takes it as ``write(_:)`` does.
  public func writeText(_ text: ByteBuffer) {
    if let frame = connection.sendText(text) { write(frame) }
  }

  /// Encodes a binary message and takes it as ``write(_:)`` does.
  public func writeBinary(_ bytes: ByteBuffer) {
    if let frame = connection.sendBinary(bytes) { write(frame) }
  }

  /// Takes encoded frames as ``write(_:)`` does, and sends them at once.
  public func send(_ frames: ByteBuffer) {
    // Mostly nothing came before them: then they need not be gathered first, which is a quarter of the work that a
    // delivery makes outside of the kernel (Docs/internals/fan-out.md).
    if gathered.readableBytes == 0, !isLagging, connection.isOpen {
      transmit(frames, andThen: {})
    } else {
      write(frames)
      flush()
    }
  }

  /// Sends what was taken.
  public func flush() {
    if gathered.readableBytes > 0 { flush(andThen: {}) }
  }

  /// Takes bytes that the machine made: pongs, close frames.
  func gather(_ bytes: ByteBuffer) {
    if gathered.readableBytes == 0 {
      gathered = bytes
    } else {
      gathered.writeImmutableBuffer(bytes)
    }
  }

  /// - Parameter completion: called when everything that was ever taken has left this process, or never will.
  func flush(andThen completion: @escaping () -> Void) {
    var bytes = ByteBuffer()
    swap(&bytes, &gathered)
    transmit(bytes, andThen: completion)
  }

  private func transmit(_ bytes: ByteBuffer, andThen completion: @escaping () -> Void) {
    var rest = bytes
    bytesSent += rest.readableBytes
    if let tls { return tls.send(rest, completion: completion) }
    if queuedWrites == 0 { rest.moveReaderIndex(forwardBy: sendDirectly(rest)) }
    if rest.readableBytes == 0, queuedWrites == 0 {
      completion()
    } else {
      enqueue(rest, completion)
    }
  }

  private func enqueue(_ bytes: ByteBuffer, _ completion: @escaping () -> Void) {
    guard let context else { return }
    queuedWrites += 1
    // A little that is left must not keep the whole of a large shared batch in memory.
    let isSmallPart = bytes.readableBytes < bytes.readerIndex / 4
    let bytes = isSmallPart ? ByteBuffer(bytes: bytes.readableBytesView) : bytes
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
      self.queuedWrites -= 1
      completion()
    }
  }

  /// Hands bytes to the kernel without the detour through the channel, which costs more than the kernel's part of it for
  /// small messages (Docs/internals/fan-out.md).
  /// - Returns: how many it took; 0 where it takes none, or where something is wrong, which the channel then finds out.
  private func sendDirectly(_ bytes: ByteBuffer) -> Int {
    #if canImport(Glibc)
      guard let socket else { return 0 }
      return bytes.withUnsafeReadableBytes { bytes in
        max(0, Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
      }
    #else
      return 0
    #endif
  }

  /// The channel's socket; nil where there is none, as in tests.
  ///
  /// It is kept until the channel is inactive, because asking for it costs more than the rest of a write. That is safe: NIO
  /// closes the socket on this event loop and says so before anything else can happen on it (BaseSocketChannel.close0).
  static func socket(of channel: any Channel) -> NIOBSDSocket.Handle? {
    try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
  }
}
