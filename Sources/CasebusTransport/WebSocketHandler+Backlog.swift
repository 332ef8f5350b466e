import CasebusProtocol
import CasebusSocket
import CasebusTLS
package import NIOCore

/// The queue of a peer that lags (`outboundQueueBytesMax`, `outboundTotalBytesMax`).
extension WebSocketHandler {
  /// From so many queued bytes on, a connection lags, and each write checks the queue.
  private static var laggingBytes: Int { 65_536 }

  func setWaterMark(_ context: ChannelHandlerContext) {
    let high = min(Self.laggingBytes, configuration.outboundQueueBytesMax)
    let mark = ChannelOptions.Types.WriteBufferWaterMark(low: high / 2, high: high)
    try? context.channel.syncOptions?.setOption(.writeBufferWaterMark, value: mark)
    tls?.waterMark = mark
  }

  package func channelWritabilityChanged(context: ChannelHandlerContext) {
    isLagging = !(tls?.isWritable ?? context.channel.isWritable)
    updateBacklog()
    if !isLagging {
      lag?.toleranceEnded()
      runWaiting()
    }
    context.fireChannelWritabilityChanged()
  }

  /// Calls the closure once, as soon as the peer does not lag: at once if it does not lag now.
  package func whenWritable(_ body: @escaping () -> Void) {
    flush()
    waitingForRoom.append(body)
    if !isLagging { runWaiting() }
  }

  private func runWaiting() {
    let bodies = waitingForRoom
    waitingForRoom = []
    for body in bodies { body() }
  }

  /// Checks the queue before something is added. Long messages are counted apart and tolerated while the peer takes
  /// them: otherwise a client on a slow line could never get an answer longer than `outboundQueueBytesMax`.
  func checkBacklog() {
    guard isBacklogTooLong else { return }
    let longBytes = lag?.longBytes(in: bytesSent - backlogBytes..<bytesSent) ?? 0
    if backlogBytes - longBytes > configuration.outboundQueueBytesMax {
      closeAsSlow(configuration.outboundQueueBytesMax, "outboundQueueBytesMax")
    } else if longBytes > configuration.outboundLongBytesMax {
      closeAsSlow(configuration.outboundLongBytesMax, "outboundLongBytesMax")
    } else {
      tolerateBacklog()
    }
  }

  /// Whether more is queued than `outboundQueueBytesMax`, with long messages.
  var isBacklogTooLong: Bool {
    updateBacklog()
    return backlogBytes > configuration.outboundQueueBytesMax
  }

  private func closeAsSlow(_ limit: Int, _ name: String) {
    close(.slowConsumer, reason: "more than \(limit) bytes wait to be read (\(name))")
  }

  /// A longer message is a long message. Also the number of queued bytes above which a connection lags.
  static var longMessageBytes: Int { laggingBytes }

  /// A long message was gathered.
  func longMessageGathered(byteCount: Int) {
    let lag = self.lag ?? PeerLag()
    self.lag = lag
    let end = bytesSent + gathered.readableBytes
    lag.longMessageAdded(at: end - byteCount..<end, waitingFrom: bytesSent - waitingBytes)
  }

  private func updateBacklog() {
    setBacklog(isLagging ? waitingBytes : 0)
  }

  private var waitingBytes: Int {
    if let tls { return tls.waitingBytes }
    return (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  /// The bytes that were written and that the peer's kernel has not acknowledged.
  var untakenBytes: Int { waitingBytes + (tls?.unacknowledgedBytes ?? output.unacknowledgedBytes) }

  func setBacklog(_ bytes: Int) {
    let old = backlogBytes
    guard bytes != old else { return }
    backlogBytes = bytes
    backlog.changed(self, on: context?.eventLoop, from: old, to: bytes)
  }

  /// The memory of this queue is needed elsewhere, and a close frame would wait behind it.
  func cutOffAsSlow(reason: String) {
    closure = closure ?? ConnectionClosure(code: CloseCode.slowConsumer.rawValue, reason: reason)
    cutOff()
  }

  /// Ends the connection at once, without a closing handshake.
  package func cutOff() {
    setBacklog(0)
    context?.close(promise: nil)
  }
}
