import CasebusSocket
import CasebusTLS
import CasebusWebSocket
package import NIOCore

/// Output. The writes of one tick are gathered and sent in one piece: straight to the socket while nothing is queued
/// for it, through the channel's queue otherwise.
extension WebSocketHandler {
  /// Takes one or more complete encoded frames. The next ``flush()`` sends them; they are dropped if the connection is
  /// closing. The bytes can be shared with other connections.
  package func write(_ frames: ByteBuffer) {
    // Many answers in one tick must not be gathered uncounted.
    if gathered.readableBytes >= Self.gatheredBytesMax { flush() }
    if isLagging { checkBacklog() }
    guard connection.isOpen else { return }
    gather(frames)
    if frames.readableBytes > Self.longMessageBytes, frames.isOneLongFrame {
      longMessageGathered(byteCount: frames.readableBytes)
    }
  }

  /// From so many gathered bytes on, they are sent before more are gathered.
  static var gatheredBytesMax: Int { 262_144 }

  /// Encodes a text message and takes it as ``write(_:)`` does.
  package func writeText(_ text: ByteBuffer) {
    if let frame = connection.sendText(text) { write(frame) }
  }

  /// Encodes a binary message and takes it as ``write(_:)`` does.
  package func writeBinary(_ bytes: ByteBuffer) {
    if let frame = connection.sendBinary(bytes) { write(frame) }
  }

  /// Takes encoded frames as ``write(_:)`` does, and sends them at once.
  package func send(_ frames: ByteBuffer) {
    // Mostly nothing is gathered, so the frames are sent directly. Gathering would be a quarter of the work of a
    // delivery outside of the kernel (Docs/internals/fan-out.md).
    if gathered.readableBytes == 0, !isLagging, connection.isOpen {
      transmit(frames, andThen: {})
    } else {
      write(frames)
      flush()
    }
  }

  /// Sends what was gathered.
  package func flush() {
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

  /// - Parameter completion: called when everything that was written has left this process, or can no longer leave it.
  func flush(andThen completion: @escaping () -> Void) {
    var bytes = ByteBuffer()
    swap(&bytes, &gathered)
    transmit(bytes, andThen: completion)
  }

  private func transmit(_ bytes: ByteBuffer, andThen completion: @escaping () -> Void) {
    var rest = bytes
    bytesSent += rest.readableBytes
    if let tls { return tls.send(rest, completion: completion) }
    output.send(&rest)
    if rest.readableBytes == 0, output.isQueueEmpty {
      completion()
    } else {
      enqueue(rest, completion)
    }
  }

  private func enqueue(_ bytes: ByteBuffer, _ completion: @escaping () -> Void) {
    guard let context else { return completion() }
    output.enteredQueue()
    context.writeAndFlush(wrapOutboundOut(bytes.detachedIfSmall())).assumeIsolated().whenComplete { result in
      self.output.leftQueue(result)
      completion()
    }
  }
}

extension ByteBuffer {
  /// Whether this is one unmasked frame with a length of eight bytes (RFC 6455 §5.2), and not several.
  fileprivate var isOneLongFrame: Bool {
    guard getInteger(at: readerIndex + 1, as: UInt8.self) == 127 else { return false }
    return getInteger(at: readerIndex + 2, as: UInt64.self) == UInt64(readableBytes - 10)
  }
}
