internal import CasebusSocket
package import NIOCore

extension TLSHandler {
  package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch (mode, state) {
    case (.output, .open), (.output, .waiting), (.output, .handshaking): closeOutput(promise: promise)
    case (.all, .open): closeAll(context, promise)
    case (.all, .lingering):
      // It is about to be closed anyway, when the peer has had the time to read why.
      if let promise { context.channel.closeFuture.cascade(to: promise) }
    case (.input, _), (.output, _), (.all, _): context.close(mode: mode, promise: promise)
    }
  }

  /// After what was written, and not before the end of the handshake, the peer is told that nothing follows; then the
  /// socket's output ends.
  func closeOutput(promise: EventLoopPromise<Void>?) {
    switch ending {
    case .open: ending = .waiting(promise)
    case .waiting(var first):
      first.setOrCascade(to: promise)
      ending = .waiting(first)
    case .ended: promise?.fail(ChannelError.outputClosed)
    }
    sendWhileTaken()
  }

  func endOutput(_ promise: EventLoopPromise<Void>?) {
    ending = .ended
    session.startClose()
    sendOutbound()
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    guard !output.isQueueEmpty else { return context.close(mode: .output, promise: promise) }
    enqueue(ByteBuffer()) { _ in context.close(mode: .output, promise: promise) }
  }

  /// As without TLS, nobody waits for what the socket does not take at once. The peer is told that nothing follows only if
  /// that is true.
  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    sendWhileTaken()
    if plaintext.isEmpty {
      session.startClose()
      sendOutbound()
    }
    output.close()
    context.close(mode: .all, promise: promise)
  }

  /// Nothing more goes to the peer; the writers are told, after everything has taken its final state.
  /// - Parameter earlier: is told before the others.
  func dropWaiting(_ error: any Error, andBefore earlier: PlaintextQueue.Completion = { _ in }) {
    let dropped = plaintext
    let wasEnding = ending
    plaintext = PlaintextQueue()
    ending = .ended
    earlier(.failure(error))
    dropped.fail(error)
    if case .waiting(let promise) = wasEnding { promise?.fail(error) }
  }
}
