package import CasebusTLS
package import Logging
import NIOCore
import Synchronization

/// TLS for the connections that a listener accepts: their certificates, and the number of concurrent handshakes.
package final class ListenerTLS: Sendable {
  private let current: Mutex<TLSContext>
  private let gates: PerLoop<HandshakeGate>
  private let handshakeTimeoutSeconds: Int
  private let logger: Logger

  /// - Parameters:
  ///   - handshakeTimeoutSeconds: how long a handshake can take, with the wait for its turn.
  ///   - handshakesMax: concurrent handshakes of one event loop.
  package init(_ context: TLSContext, handshakeTimeoutSeconds: Int, handshakesMax: Int, logger: Logger) {
    current = Mutex(context)
    self.handshakeTimeoutSeconds = handshakeTimeoutSeconds
    gates = PerLoop { HandshakeGate(eventLoop: $0, inProgressMax: handshakesMax) }
    self.logger = logger
  }

  /// The context of new connections.
  package var context: TLSContext { current.withLock { $0 } }

  /// Sets the context of new connections; open ones keep theirs.
  package func replace(_ context: TLSContext) {
    current.withLock { $0 = context }
  }

  /// Adds TLS to a channel that was just accepted and has no handlers yet.
  /// - Parameters:
  ///   - timers: those of the channel's event loop.
  ///   - counter: that of the channel's event loop.
  func add(to channel: any Channel, timers: TimerWheel, counter: ConnectionCounter) throws {
    counter.counts.tlsHandshakes += 1
    var options = TLSHandler.Options(
      handshakeTimeoutSeconds: handshakeTimeoutSeconds, gate: gates.value(on: channel.eventLoop))
    options.makeTimer = { _, time, reached in WheelTimer(timers, in: time, reached) }
    options.onHandshakeFailed = { [logger] error, channel in
      counter.counts.tlsHandshakesFailed += 1
      logger.info(
        "TLS handshake failed",
        metadata: ["from": "\(channel.remoteAddress?.description ?? "unknown")", "reason": "\(error)"])
    }
    try channel.pipeline.syncOperations.addHandler(TLSHandler(TLSSession(server: context), options))
  }
}

/// A closure that a ``TimerWheel`` calls.
private final class WheelTimer: Timed, HandshakeTimer {
  var timerPlace: TimerWheel.Place?
  private let timers: TimerWheel
  private let deadline: NIODeadline
  private let reached: () -> Void

  init(_ timers: TimerWheel, in time: TimeAmount, _ reached: @escaping () -> Void) {
    self.timers = timers
    self.reached = reached
    deadline = .now() + time
    timers.arm(self, at: Int64(deadline.uptimeNanoseconds))
  }

  func cancel() {
    timers.disarm(self)
  }

  func timeReached() {
    guard deadline <= .now() else { return timers.arm(self, at: Int64(deadline.uptimeNanoseconds)) }
    reached()
  }
}
