import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What a listener does while it cannot accept connections: it waits a little before each further try, and says so in the
/// log once, and once when that is over. Without it the event loop would try all the time, on a whole core.
final class AcceptBackoff: Sendable {
  private enum State {
    case accepting
    /// Since when no try has failed.
    case failing(lastAt: NIODeadline)
  }

  /// How long it waits (`acceptBackoffMilliseconds` of `registry/limits.json`): connections that wait in the kernel are not
  /// kept waiting long once there is room.
  static var interval: TimeAmount { .milliseconds(200) }
  /// Connections that come and go at the limit are one trouble, not many.
  private static var quietTime: TimeAmount { .seconds(5) }

  /// The sockets of one listener may be on several event loops; they share the trouble.
  private let state = Mutex(State.accepting)
  private let logger: Logger
  private let now: @Sendable () -> NIODeadline

  init(logger: Logger, now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.logger = logger
    self.now = now
  }

  /// - Returns: when to try again; nil where that is no matter of the system's resources.
  func failed(_ error: IOError) -> TimeAmount? {
    guard let advice = Self.advice(for: error.errnoCode) else { return nil }
    let isNew = state.withLock { state in
      defer { state = .failing(lastAt: now()) }
      if case .accepting = state { return true }
      return false
    }
    if isNew { report(error, advice) }
    return Self.interval
  }

  func accepted() {
    let isOver = state.withLock { state in
      guard case .failing(let last) = state, now() - last >= Self.quietTime else { return false }
      state = .accepting
      return true
    }
    if isOver { logger.notice("new connections are accepted again") }
  }

  private func report(_ error: IOError, _ advice: String) {
    let reason = String(cString: strerror(error.errnoCode))
    logger.error(
      "new connections cannot be accepted, those that are open stay",
      metadata: ["reason": "\(reason)", "advice": "\(advice)"])
  }

  private static func advice(for errnoCode: CInt) -> String? {
    switch errnoCode {
    case EMFILE:
      "this process may have no more files open: raise its limit (ulimit -n, LimitNOFILE= of systemd) or lower connectionsMax (--connections-max)"
    case ENFILE: "the machine may have no more files open: raise fs.file-max (sysctl)"
    case ENOBUFS, ENOMEM: "the kernel has no memory for more connections"
    case _: nil
    }
  }
}

/// Does with a listening socket what an ``AcceptBackoff`` says.
///
/// NIO's own handler for this holds back the read that would follow, but after an accept that failed at once NIO still waits
/// for the read before it, so that the loop is woken all the time. `autoRead` is what stops that.
final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel

  private let backoff: AcceptBackoff

  init(_ backoff: AcceptBackoff) {
    self.backoff = backoff
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    backoff.accepted()
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, let pause = backoff.failed(error) else {
      return context.fireErrorCaught(error)
    }
    setAccepting(false, context)
    context.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.setAccepting(true, context) }
  }

  private func setAccepting(_ isAccepting: Bool, _ context: ChannelHandlerContext) {
    // It can only fail once the socket is closed.
    try? context.channel.syncOptions?.setOption(.autoRead, value: isAccepting)
  }
}
