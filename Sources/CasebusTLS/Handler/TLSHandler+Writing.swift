public import NIOCore

#if canImport(Glibc)
  internal import Glibc
#endif

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
    guard let rest = sendDirectly() else {
      promise?.succeed()
      return
    }
    let written = enqueue(rest)
    if let promise { written.cascade(to: promise) }
  }
}

// MARK: - The way out

extension TLSHandler {
  /// Takes data from the handler above, and sends it at once: what `writeAndFlush` does, without its detour, which costs
  /// more than encrypting a small message does (Docs/internals/tls.md).
  /// - Parameter completion: called when the socket has it, or never will.
  public func send(_ bytes: ByteBuffer, completion: @escaping () -> Void) {
    guard case .open = state, plaintext.bytes.readableBytes == 0 else { return sendLater(bytes, completion) }
    session.send(bytes)
    if let rest = sendDirectly() {
      enqueue(rest).assumeIsolated().whenComplete { _ in completion() }
    } else {
      completion()
    }
  }

  private func sendLater(_ bytes: ByteBuffer, _ completion: @escaping () -> Void) {
    guard let context else { return completion() }
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { _ in completion() }
    write(context: context, data: wrapOutboundOut(bytes), promise: promise)
    flush(context: context)
  }

  /// Hands what the session has for the peer to the kernel, unless something waits for that already.
  /// - Returns: what the kernel did not take; nil if there is nothing left.
  private func sendDirectly() -> ByteBuffer? {
    guard var bytes = session.nextOutbound() else { return nil }
    if queuedWrites == 0 { bytes.moveReaderIndex(forwardBy: sendToSocket(bytes)) }
    return bytes.readableBytes > 0 ? bytes : nil
  }

  /// - Returns: how many bytes the kernel took; 0 where something is wrong, which the channel then finds out.
  private func sendToSocket(_ bytes: ByteBuffer) -> Int {
    #if canImport(Glibc)
      guard let socket else { return 0 }
      return bytes.withUnsafeReadableBytes { bytes in
        max(0, Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)))
      }
    #else
      return 0
    #endif
  }

  /// While something waits in the channel, what follows must queue behind it.
  private func enqueue(_ bytes: ByteBuffer) -> EventLoopFuture<Void> {
    guard let context else { preconditionFailure("only a handler in a channel has something to send") }
    queuedWrites += 1
    let written = context.writeAndFlush(wrapOutboundOut(bytes))
    written.assumeIsolated().whenComplete { _ in self.queuedWrites -= 1 }
    return written
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
    let sent = context.eventLoop.makePromise(of: Void.self)
    sendOutbound(promise: sent)
    sent.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: promise) }
  }

  /// As without TLS, nobody waits for what the socket does not take at once.
  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    encrypt()
    session.startClose()
    sendOutbound()
    context.close(mode: .all, promise: promise)
  }

}
