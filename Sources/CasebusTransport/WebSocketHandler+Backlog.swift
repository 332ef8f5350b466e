import CasebusProtocol
import CasebusSocket
import CasebusTLS
package import NIOCore

/// What waits for a peer that does not take it (`outboundQueueBytesMax`, `outboundTotalBytesMax`).
extension WebSocketHandler {
  /// From so many waiting bytes on, a connection counts as lagging and what waits is looked at with each write.
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

  /// Calls the closure once, as soon as the peer does not lag: now, if it does not.
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

  /// Before something is added to what waits: is it too much already? What is left of long messages is counted apart, and
  /// is tolerated from a peer that takes it: else nobody with a slow line could ever have an answer that is longer than
  /// `outboundQueueBytesMax`.
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

  /// Whether more waits than `outboundQueueBytesMax`, long messages among it.
  var isBacklogTooLong: Bool {
    updateBacklog()
    return backlogBytes > configuration.outboundQueueBytesMax
  }

  private func closeAsSlow(_ limit: Int, _ name: String) {
    close(.slowConsumer, reason: "more than \(limit) bytes wait to be read (\(name))")
  }

  /// Longer than this is a long message; it is also from so much on that a connection lags.
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

  /// What was written and the peer's kernel has not.
  var untakenBytes: Int { waitingBytes + (tls?.unacknowledgedBytes ?? output.unacknowledgedBytes) }

  func setBacklog(_ bytes: Int) {
    let old = backlogBytes
    guard bytes != old else { return }
    backlogBytes = bytes
    backlog.changed(self, on: context?.eventLoop, from: old, to: bytes)
  }

  /// What waits for this peer is needed elsewhere, and a close frame would wait behind it.
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
