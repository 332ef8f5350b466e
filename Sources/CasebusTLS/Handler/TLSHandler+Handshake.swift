internal import NIOCore

extension TLSHandler {
  /// The time for a refused peer to read the reason.
  private static var lingerTime: TimeAmount { .seconds(1) }

  var isWaitingForGate: Bool {
    if case .waiting = state { true } else { false }
  }

  /// Called by the gate: from now on the peer is read.
  func handshakeMayBegin() {
    guard case .waiting(let handshake) = state else { return }
    state = .handshaking(handshake)
    drain()
    readIfPending(handshake)
  }

  /// Bytes were received. Processing them is work that the gate schedules.
  func askForTurn(_ handshake: Handshake) {
    guard let gate = handshake.options.gate else { return drain() }
    guard !handshake.isTurnPending else { return }
    handshake.isTurnPending = true
    gate.work(for: self)
  }

  /// Called by the gate.
  func handshakeTurn() {
    guard case .handshaking(let handshake) = state else { return }
    handshake.isTurnPending = false
    drain()
    // The work may have been delayed, so the channel may have reported this already.
    context?.fireChannelReadComplete()
    readIfPending(handshake)
  }

  private func readIfPending(_ handshake: Handshake) {
    guard handshake.isReadPending else { return }
    handshake.isReadPending = false
    context?.read()
  }

  func leaveGate(_ handshake: Handshake, hadBegun: Bool) {
    handshake.deadline?.cancel()
    handshake.options.gate?.leave(hadBegun: hadBegun)
  }

  func handshakeCompleted() {
    guard case .handshaking(let handshake) = state else { return }
    state = .open
    leaveGate(handshake, hadBegun: true)
    sendEverything()
  }

  /// The peer gets the alert, if TLS has one for the reason, and time to read it: unread bytes would make the kernel reset the
  /// connection.
  func handshakeFailed(_ error: TLSError) {
    guard let context else { return }
    switch state {
    case .waiting(let handshake): gaveUp(handshake, error, hadBegun: false)
    case .handshaking(let handshake): gaveUp(handshake, error, hadBegun: true)
    case .idle, .open, .lingering, .closed: return
    }
    session.startClose()
    dropWaiting(error)
    context.fireErrorCaught(error)
    tell(error, context)
  }

  private func gaveUp(_ handshake: Handshake, _ error: TLSError, hadBegun: Bool) {
    guard let context else { return }
    let deadline = handshake.options.makeTimer(context.eventLoop, Self.lingerTime) { self.closeAtOnce() }
    state = .lingering(deadline: deadline)
    handshake.options.onHandshakeFailed(error, context.channel)
    leaveGate(handshake, hadBegun: hadBegun)
  }

  /// The alert, or the answer, was already sent.
  private func tell(_ error: TLSError, _ context: ChannelHandlerContext) {
    switch error {
    case .closedDuringHandshake, .handshakeTimedOut: closeAtOnce()
    case .violation, .alertReceived, .certificateRefused, .plainHTTP, .notTLS, .chatter, .truncated, .queueFull:
      context.close(mode: .output, promise: nil)
    }
  }

  func closeAtOnce() {
    guard case .lingering(let deadline) = state else { return }
    deadline.cancel()
    state = .closed
    context?.close(mode: .all, promise: nil)
  }
}
