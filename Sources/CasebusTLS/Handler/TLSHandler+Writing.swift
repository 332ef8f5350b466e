internal import CasebusSocket
package import NIOCore

/// Through the pipeline: everything that was written is encrypted with the flush, and waits in the channel if the socket
/// does not take it, as without TLS. So the channel's own writability holds for handlers that write this way.
extension TLSHandler {
  /// What may wait for the end of the handshake.
  private static var queueBytesMax: Int { 262_144 }

  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    let completion: PlaintextQueue.Completion? = promise.map { promise in
      { (result: Result<Void, any Error>) in promise.completeWith(result) }
    }
    write(unwrapOutboundIn(data), completion)
  }

  package func flush(context: ChannelHandlerContext) {
    sendEverything()
    context.flush()
  }

  private func write(_ bytes: ByteBuffer, _ completion: PlaintextQueue.Completion?) {
    guard case .open = ending else {
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
    guard plaintext.byteCount + bytes.readableBytes <= Self.queueBytesMax else {
      completion?(.failure(TLSError.queueFull))
      return handshakeFailed(.queueFull)
    }
    plaintext.append(bytes, completion)
  }

  /// All that waits becomes records.
  func sendEverything() {
    sendWaiting(while: { true })
  }
}

// MARK: - Past the pipeline

extension TLSHandler {
  /// Takes data from the handler above, and sends it at once: what `writeAndFlush` does, without its detour, which costs
  /// more than encrypting a small message does (Docs/internals/tls.md).
  ///
  /// While the socket does not take what was encrypted, this waits as plaintext, which may be shared with other connections.
  /// Whoever sends this way has to look at ``isWritable``, and not at the channel's.
  /// - Parameter completion: called when the socket has it, or never will.
  package func send(_ bytes: ByteBuffer, completion: @escaping () -> Void) {
    guard canSendAtOnce(bytes) else {
      write(bytes) { _ in completion() }
      return sendWhileTaken()
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
    guard case .open = state, case .open = ending else { return false }
    return plaintext.isEmpty && output.isQueueEmpty && bytes.readableBytes <= PlaintextQueue.chunkBytesMax
  }

  /// What waits becomes records until the socket takes no more; that it has what it was given is the sign to go on. So a
  /// slow connection has one chunk of ciphertext.
  func sendWhileTaken() {
    sendWaiting(while: { output.isQueueEmpty })
  }
}

// MARK: - The way out

extension TLSHandler {
  private func sendWaiting(while mayGoOn: () -> Bool) {
    guard case .open = state, !isSending else { return }
    isSending = true
    while !plaintext.isEmpty, mayGoOn() {
      send(plaintext.nextChunk())
    }
    isSending = false
    updateWritability()
    if plaintext.isEmpty, case .waiting(let promise) = ending { endOutput(promise) }
  }

  private func send(_ chunk: PlaintextQueue.Chunk) {
    session.send(chunk.bytes)
    if let rest = sendStraight() {
      enqueue(rest, chunk.complete)
    } else {
      chunk.complete(session.isOpen ? .success(()) : .failure(ChannelError.outputClosed))
    }
  }

  /// What the session itself has for the peer.
  func sendOutbound() {
    if let rest = sendStraight() { enqueue(rest) { _ in } }
  }

  /// Hands what the session has for the peer to the kernel, unless something waits for that already.
  /// - Returns: what the kernel did not take; nil if there is nothing left.
  private func sendStraight() -> ByteBuffer? {
    guard var bytes = session.nextOutbound() else { return nil }
    output.send(&bytes)
    return bytes.readableBytes > 0 ? bytes.detachedIfSmall() : nil
  }

  func enqueue(_ bytes: ByteBuffer, _ completion: @escaping PlaintextQueue.Completion) {
    guard let context else { preconditionFailure("only a handler in a channel has something to send") }
    output.enteredQueue()
    ciphertextBytes += bytes.readableBytes
    context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { result in
      self.output.leftQueue(result)
      self.ciphertextBytes -= bytes.readableBytes
      switch result {
      case .success: completion(result)
      case .failure(let error): self.dropWaiting(error, andBefore: completion)
      }
      self.sendWhileTaken()
    }
    updateWritability()
  }
}

// MARK: - Writability

extension TLSHandler {
  /// How many bytes wait for the peer, here and in the channel.
  package var waitingBytes: Int { plaintext.byteCount + ciphertextBytes }

  /// What the kernel has of it that the peer's has not acknowledged.
  package var unacknowledgedBytes: Int { output.unacknowledgedBytes }

  /// The handler above is told of a change with `channelWritabilityChanged`.
  private func updateWritability() {
    guard case .open = state, case .open = ending else { return }
    guard isWritable != (waitingBytes < (isWritable ? waterMark.high : waterMark.low)) else { return }
    isWritable.toggle()
    context?.fireChannelWritabilityChanged()
  }
}
