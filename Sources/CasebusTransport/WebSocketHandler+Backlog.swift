import CasebusProtocol
import CasebusTLS
public import NIOCore

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

  public func channelWritabilityChanged(context: ChannelHandlerContext) {
    isLagging = !(tls?.isWritable ?? context.channel.isWritable)
    updateBacklog()
    if !isLagging { runWaiting() }
    context.fireChannelWritabilityChanged()
  }

  /// Calls the closure once, as soon as the peer does not lag: now, if it does not.
  public func whenWritable(_ body: @escaping () -> Void) {
    flush()
    waitingForRoom.append(body)
    if !isLagging { runWaiting() }
  }

  private func runWaiting() {
    let bodies = waitingForRoom
    waitingForRoom = []
    for body in bodies { body() }
  }

  /// Before something is added to what waits: is it too much already? A single message may be longer than the limit.
  func checkBacklog() {
    updateBacklog()
    guard backlogBytes > configuration.outboundQueueBytesMax else { return }
    let limit = configuration.outboundQueueBytesMax
    close(.slowConsumer, reason: "more than \(limit) bytes wait to be read (outboundQueueBytesMax)")
  }

  private func updateBacklog() {
    setBacklog(isLagging ? waitingBytes : 0)
  }

  private var waitingBytes: Int {
    if let tls { return tls.waitingBytes }
    return (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  func setBacklog(_ bytes: Int) {
    let old = backlogBytes
    guard bytes != old else { return }
    backlogBytes = bytes
    backlog.changed(self, from: old, to: bytes)
  }

  /// What waits for this peer is needed elsewhere, and a close frame would wait behind it.
  func cutOffAsSlow(reason: String) {
    closure = closure ?? ConnectionClosure(code: CloseCode.slowConsumer.rawValue, reason: reason)
    cutOff()
  }

  /// Ends the connection at once, without a closing handshake.
  public func cutOff() {
    setBacklog(0)
    context?.close(promise: nil)
  }
}
