package import NIOCore

/// Schedules the handshakes of one event loop, so that many new clients do not delay its established connections.
///
/// It limits the handshakes in progress; others wait unread. And after two milliseconds of work on handshakes the loop serves
/// its other connections first. A server's part of a handshake takes 0.2 to 1.5 ms, depending on the key, and without the
/// gate a loop would do all that are ready in a row.
package final class HandshakeGate {
  /// A connection whose handshake goes through the gate.
  typealias Guest = TLSHandler

  private let eventLoop: any EventLoop
  private let inProgressMax: Int
  private var inProgress = 0
  private var waiting = CircularBuffer<Guest>()
  /// Connections with work, after the end of the time slice.
  private var deferred = CircularBuffer<Guest>()
  /// The current time slice; its end is scheduled.
  private var sliceEnd: NIODeadline?

  private static var sliceTime: TimeAmount { .milliseconds(2) }
  /// NIO runs due tasks before it polls its sockets, so the pause must not be zero.
  private static var pause: TimeAmount { .microseconds(20) }

  /// - Parameter inProgressMax: `tlsHandshakesMax` of `Protocol/registry/limits.json`, for one event loop.
  package init(eventLoop: any EventLoop, inProgressMax: Int) {
    self.eventLoop = eventLoop
    self.inProgressMax = inProgressMax
  }

  /// A new connection: its handshake begins now or after the end of another one.
  func enter(_ handler: Guest) {
    if inProgress < inProgressMax {
      inProgress += 1
      handler.handshakeMayBegin()
    } else {
      waiting.append(handler)
    }
  }

  /// The handshake of this connection has ended, with or without success.
  /// - Parameter hadBegun: whether it was in progress; otherwise it was waiting.
  func leave(hadBegun: Bool) {
    guard hadBegun else { return }
    inProgress -= 1
    while inProgress < inProgressMax, let next = waiting.popFirst() {
      // Some may have ended meanwhile.
      guard next.isWaitingForGate else { continue }
      inProgress += 1
      next.handshakeMayBegin()
    }
  }

  /// Does the handshake's work of this connection, now or after the loop has served others.
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
