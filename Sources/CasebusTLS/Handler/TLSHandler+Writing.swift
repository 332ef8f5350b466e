internal import CasebusSocket
public import NIOCore

extension TLSHandler {
  /// What may wait for the end of the handshake.
  private static var queueBytesMax: Int { 262_144 }

  public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let completion: PlaintextQueue.Completion? = promise.map { promise in
      { (result: Result<Void, any Error>) in promise.completeWith(result) }
    }
    write(unwrapOutboundIn(data), completion)
  }

  private func write(_ bytes: ByteBuffer, _ completion: PlaintextQueue.Completion?) {
    guard !isOutputClosed else {
      completion?(.failure(ChannelError.outputClosed))
      return
    }
    switch state {
    case .open: plaintext.append(bytes, completion)
    case .idle, .waiting, .handshaking: writeEarly(bytes, completion)
    case .lingering, .closed: completion?(.failure(ChannelError.ioOnClosedChannel))
    }
  }

  private func writeEarly(_ bytes: ByteBuffer, _ completion: PlaintextQueue.Completion?) {
    plaintext.append(bytes, completion)
    if plaintext.byteCount > Self.queueBytesMax { handshakeFailed(.queueFull) }
  }

  public func flush(context: ChannelHandlerContext) {
    encrypt()
    context.flush()
  }

  /// What waits becomes records and goes to the socket, until that takes no more; then it goes on when the socket has what
  /// it was given. So each slow connection has at most one chunk of ciphertext.
  func encrypt() {
    guard case .open = state, !isEncrypting else { return }
    isEncrypting = true
    while output.isQueueEmpty, !plaintext.isEmpty { encrypt(plaintext.nextChunk()) }
    isEncrypting = false
    updateWritability()
    if plaintext.isEmpty, let promise = outputClose { endOutput(promise) }
  }

  private func encrypt(_ chunk: PlaintextQueue.Chunk) {
    guard session.isOpen else { return chunk.complete(.failure(ChannelError.outputClosed)) }
    session.send(chunk.bytes)
    if let rest = sendStraight() {
      enqueue(rest, chunk.complete)
    } else {
      chunk.complete(.success(()))
    }
  }

  /// What the session itself has for the peer.
  func sendOutbound() {
    if let rest = sendStraight() { enqueue(rest) { _ in } }
  }
}

// MARK: - The way out

extension TLSHandler {
  /// Takes data from the handler above, and sends it at once: what `writeAndFlush` does, without its detour, which costs
  /// more than encrypting a small message does (Docs/internals/tls.md).
  /// - Parameter completion: called when the socket has it, or never will.
  public func send(_ bytes: ByteBuffer, completion: @escaping () -> Void) {
    guard canSendAtOnce(bytes) else {
      write(bytes) { _ in completion() }
      return encrypt()
    }
    session.send(bytes)
    if let rest = sendStraight() {
      enqueue(rest) { _ in completion() }
    } else {
      completion()
    }
  }

  /// As nearly always: nothing waits, and it is not much.
  private func canSendAtOnce(_ bytes: ByteBuffer) -> Bool {
    guard case .open = state, session.isOpen, !isOutputClosed else { return false }
    return plaintext.isEmpty && output.isQueueEmpty && bytes.readableBytes <= PlaintextQueue.chunkBytesMax
  }

  /// Hands what the session has for the peer to the kernel, unless something waits for that already.
  /// - Returns: what the kernel did not take; nil if there is nothing left.
  private func sendStraight() -> ByteBuffer? {
    guard var bytes = session.nextOutbound() else { return nil }
    output.send(&bytes)
    return bytes.readableBytes > 0 ? bytes : nil
  }

  private func enqueue(_ bytes: ByteBuffer, _ completion: @escaping PlaintextQueue.Completion) {
    guard let context else { preconditionFailure("only a handler in a channel has something to send") }
    output.enteredQueue()
    ciphertextBytes += bytes.readableBytes
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { result in
      self.output.leftQueue()
      self.ciphertextBytes -= bytes.readableBytes
      completion(result)
      self.encrypt()
      self.updateWritability()
    }
    updateWritability()
  }
}

// MARK: - Writability

extension TLSHandler {
  /// How many bytes wait for the peer, here and in the channel.
  public var waitingBytes: Int { plaintext.byteCount + ciphertextBytes }

  /// The handlers above are told of a change with `channelWritabilityChanged`, and look at ``isWritable`` rather than at
  /// the channel's.
  private func updateWritability() {
    guard isWritable != (waitingBytes < (isWritable ? waterMark.high : waterMark.low)) else { return }
    isWritable.toggle()
    context?.fireChannelWritabilityChanged()
  }

  /// Nothing more goes to the peer.
  func dropWaiting(_ error: any Error) {
    plaintext.fail(error)
    if let promise = outputClose { promise?.fail(error) }
    outputClose = nil
  }
}

// MARK: - Closing

extension TLSHandler {
  public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
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
    isOutputClosed = true
    outputClose = .some(promise)
    encrypt()
  }

  private func endOutput(_ promise: EventLoopPromise<Void>?) {
    outputClose = nil
    session.startClose()
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    guard let rest = sendStraight() else { return context.close(mode: .output, promise: promise) }
    enqueue(rest) { _ in context.close(mode: .output, promise: promise) }
  }

  /// As without TLS, nobody waits for what the socket does not take at once. The peer is told that nothing follows only if
  /// that is true.
  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    encrypt()
    if plaintext.isEmpty {
      session.startClose()
      sendOutbound()
    }
    context.close(mode: .all, promise: promise)
  }
}
