package import NIOCore

/// Lets the handshakes of one event loop go on without keeping its established connections waiting, however many clients
/// come at once.
///
/// Two measures: only so many handshakes are in progress at a time, the others wait for their turn, unread; and after
/// two milliseconds of work on handshakes the loop serves its other connections first. A server's part of a handshake takes
/// 0.2 to 1.5 ms, depending on the key, and a loop would do as many of them in a row as there are sockets ready.
package final class HandshakeGate {
  /// What goes through the gate.
  typealias Guest = TLSHandler

  private let eventLoop: any EventLoop
  private let inProgressMax: Int
  private var inProgress = 0
  private var waiting = CircularBuffer<Guest>()
  /// They have work to do, and the time is up for now.
  private var deferred = CircularBuffer<Guest>()
  /// While there is one, the end of it is scheduled.
  private var sliceEnd: NIODeadline?

  private static var sliceTime: TimeAmount { .milliseconds(2) }
  /// NIO runs what is due at once before it looks at its sockets.
  private static var pause: TimeAmount { .microseconds(20) }

  /// - Parameter inProgressMax: `tlsHandshakesMax` of `Protocol/registry/limits.json`, for one event loop.
  package init(eventLoop: any EventLoop, inProgressMax: Int) {
    self.eventLoop = eventLoop
    self.inProgressMax = inProgressMax
  }

  /// A new connection: its handshake begins now or when another is over.
  func enter(_ handler: Guest) {
    if inProgress < inProgressMax {
      inProgress += 1
      handler.handshakeMayBegin()
    } else {
      waiting.append(handler)
    }
  }

  /// The handshake of this connection is over, well or not.
  /// - Parameter hadBegun: whether it was in progress; else it still waited.
  func leave(hadBegun: Bool) {
    guard hadBegun else { return }
    inProgress -= 1
    while inProgress < inProgressMax, let next = waiting.popFirst() {
      // Some have given up meanwhile.
      guard next.isWaitingForGate else { continue }
      inProgress += 1
      next.handshakeMayBegin()
    }
  }

  /// Does this connection's work for its handshake, now or when the loop has served others.
  func work(for handler: Guest) {
    if deferred.isEmpty, hasTime() {
      handler.handshakeTurn()
    } else {
      deferred.append(handler)
    }
  }

  private func hasTime() -> Bool {
    let now = NIODeadline.now()
    if let sliceEnd { return now < sliceEnd }
    sliceEnd = now + Self.sliceTime
    eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.sliceEnded() }
    return true
  }

  private func sliceEnded() {
    sliceEnd = nil
    while !deferred.isEmpty, hasTime() { deferred.removeFirst().handshakeTurn() }
  }
}

@available(*, unavailable)
extension HandshakeGate: Sendable {}
