internal import CasebusSocket
package import NIOCore

/// Through the pipeline: a flush encrypts all writes, and records that the socket does not take are queued in the channel, as
/// without TLS. So the channel's own writability is right for handlers that write this way.
extension TLSHandler {
  /// The limit of bytes that wait for the end of the handshake (`tlsQueueBytesMax`).
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

  /// Encrypts the whole queue.
  func sendEverything() {
    sendWaiting(while: { true })
  }
}

// MARK: - Past the pipeline

extension TLSHandler {
  /// Sends data of the handler above at once, like `writeAndFlush` but without its detour, which costs more than encrypting a
  /// small message (Docs/internals/tls.md).
  ///
  /// While the socket does not take records, the data is queued as plaintext, which connections can share. A caller must check
  /// ``isWritable``, not the channel's.
  /// - Parameter completion: called when the socket has taken the data, or cannot any more.
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

  /// The usual case: the queue is empty and the data is short.
  private func canSendAtOnce(_ bytes: ByteBuffer) -> Bool {
    guard case .open = state, case .open = ending else { return false }
    return plaintext.isEmpty && output.isQueueEmpty && bytes.readableBytes <= PlaintextQueue.chunkBytesMax
  }

  /// Encrypts the queue until the socket takes no more, and continues when the socket has taken all records. So a slow
  /// connection has one chunk of ciphertext.
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

  /// The session's own output for the peer.
  func sendOutbound() {
    if let rest = sendStraight() { enqueue(rest) { _ in } }
  }

  /// Passes the session's output to the kernel, unless earlier bytes are queued.
  /// - Returns: the bytes that the kernel did not take; nil if none are left.
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
  /// The bytes queued for the peer, here and in the channel.
  package var waitingBytes: Int { plaintext.byteCount + ciphertextBytes }

  /// The bytes in the kernel that the peer's kernel has not acknowledged.
  package var unacknowledgedBytes: Int { output.unacknowledgedBytes }

  /// A change is reported to the handler above with `channelWritabilityChanged`.
  private func updateWritability() {
    guard case .open = state, case .open = ending else { return }
    guard isWritable != (waitingBytes < (isWritable ? waterMark.high : waterMark.low)) else { return }
    isWritable.toggle()
    context?.fireChannelWritabilityChanged()
  }
}
