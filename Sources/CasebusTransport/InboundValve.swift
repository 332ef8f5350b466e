import NIOCore

/// Stands before the HTTP decoder and, once it is closed, drops what arrives: the decoder would keep the bytes behind
/// its last request, without a limit.
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
