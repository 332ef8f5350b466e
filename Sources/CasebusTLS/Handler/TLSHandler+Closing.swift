internal import CasebusSocket
package import NIOCore

extension TLSHandler {
  package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch (mode, state) {
    case (.output, .open), (.output, .waiting), (.output, .handshaking): closeOutput(promise: promise)
    case (.all, .open): closeAll(context, promise)
    case (.all, .lingering):
      // It will be closed anyway, after the peer had time to read the reason.
      if let promise { context.channel.closeFuture.cascade(to: promise) }
    case (.input, _), (.output, _), (.all, _): context.close(mode: mode, promise: promise)
    }
  }

  /// After all writes and the end of the handshake the peer gets close_notify; then the socket's output ends.
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

  /// As without TLS, bytes that the socket does not take at once are dropped. The peer gets close_notify only if nothing was
  /// dropped.
  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    sendWhileTaken()
    if plaintext.isEmpty {
      session.startClose()
      sendOutbound()
    }
    output.close()
    context.close(mode: .all, promise: promise)
  }

  /// Ends the output; the writers are called after all state is final.
  /// - Parameter earlier: called before the others.
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
