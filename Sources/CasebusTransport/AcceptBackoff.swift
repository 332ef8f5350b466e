import Logging
import NIOCore
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Slows a listener down while it cannot accept connections: it waits before each further try, and logs the beginning
/// and the end. Without this the event loop would try all the time, on a whole core.
final class AcceptBackoff: Sendable {
  private enum State {
    case accepting
    /// When a try last failed.
    case failing(lastAt: NIODeadline)
  }

  /// The wait before a further try (`acceptBackoffMilliseconds` of `registry/limits.json`). It is short, so that
  /// connections in the kernel's queue are accepted soon after there is room again.
  static var interval: TimeAmount { .milliseconds(200) }
  /// A shortage ends only after this time without a failed try: connections that come and go at the limit are one
  /// shortage, not many.
  private static var quietTime: TimeAmount { .seconds(5) }

  /// The sockets of one listener can be on several event loops; they share this state.
  private let state = Mutex(State.accepting)
  private let logger: Logger
  private let now: @Sendable () -> NIODeadline

  init(logger: Logger, now: @escaping @Sendable () -> NIODeadline = { .now() }) {
    self.logger = logger
    self.now = now
  }

  /// - Returns: when to try again; nil if the error does not come from a lack of files or memory.
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

/// Pauses and resumes a listening socket as an ``AcceptBackoff`` says.
///
/// NIO's own handler for this delays the next read. But if the accept failed at once, NIO still waits for the previous
/// read, and the loop is woken all the time. Turning `autoRead` off stops that.
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
    // It fails only after the socket was closed.
    try? context.channel.syncOptions?.setOption(.autoRead, value: isAccepting)
  }
}
