import NIOCore

/// Stands before the HTTP decoder and drops what comes once nothing more is to be read: the decoder would keep what follows
/// the last request that it takes, without a limit.
final class InboundValve: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var isClosed = false

  func close() {
    isClosed = true
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if !isClosed { context.fireChannelRead(data) }
  }
}
