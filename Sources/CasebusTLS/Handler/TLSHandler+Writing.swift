public import NIOCore

extension TLSHandler {
  /// What may wait for the end of the handshake.
  private static var queueBytesMax: Int { 262_144 }

  public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let bytes = unwrapOutboundIn(data)
    switch state {
    case .open: plaintext.append(bytes, promise)
    case .idle, .waiting, .handshaking: queue(bytes, promise)
    case .lingering, .closed: promise?.fail(ChannelError.ioOnClosedChannel)
    }
  }

  private func queue(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
    plaintext.append(bytes, promise)
    if plaintext.bytes.readableBytes > Self.queueBytesMax { handshakeFailed(.queueFull) }
  }

  public func flush(context: ChannelHandlerContext) {
    if case .open = state { encrypt() }
    context.flush()
  }

  /// Everything that was written becomes records, and goes to the socket.
  func encrypt() {
    let (bytes, promise) = plaintext.take()
    guard bytes.readableBytes > 0 else {
      promise?.succeed()
      return
    }
    guard session.isOpen else {
      promise?.fail(ChannelError.outputClosed)
      return
    }
    session.send(bytes)
    sendOutbound(promise: promise)
  }

  /// - Parameter promise: told when the socket has it.
  func sendOutbound(promise: EventLoopPromise<Void>? = nil) {
    if let bytes = session.nextOutbound(), let context {
      context.writeAndFlush(wrapOutboundOut(bytes), promise: promise)
    } else {
      promise?.succeed()
    }
  }
}

// MARK: - Closing

extension TLSHandler {
  public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch (mode, state) {
    case (.output, .open): closeOutput(promise: promise)
    case (.output, .waiting(let handshake)), (.output, .handshaking(let handshake)):
      handshake.outputClose = promise
    case (.all, .open): closeAll(context, promise)
    case (.all, .lingering):
      // It is about to be closed anyway, when the peer has had the time to read why.
      if let promise { context.channel.closeFuture.cascade(to: promise) }
    case (.input, _), (.output, _), (.all, _): context.close(mode: mode, promise: promise)
    }
  }

  /// After what was written, the peer is told that nothing follows; then the socket's output ends.
  func closeOutput(promise: EventLoopPromise<Void>?) {
    encrypt()
    isOutputClosed = true
    session.startClose()
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    guard let bytes = session.nextOutbound() else { return context.close(mode: .output, promise: promise) }
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { _ in
      context.close(mode: .output, promise: promise)
    }
  }

  /// As without TLS, nobody waits for what the socket does not take at once.
  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    encrypt()
    session.startClose()
    sendOutbound()
    context.close(mode: .all, promise: promise)
  }

}
