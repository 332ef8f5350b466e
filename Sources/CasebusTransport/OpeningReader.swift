import CasebusWebSocket
import NIOCore

/// Reads the first bytes of a connection. A plain opening handshake that is good is answered right here; everything else
/// is left to the HTTP pipeline, with the bytes as they came.
///
/// A connection that goes through NIO's HTTP pipeline and its upgrade costs twice the processor time
/// (Docs/internals/fan-out.md).
final class OpeningReader<Acceptor: WebSocketAcceptor>: ChannelInboundHandler, RemovableChannelHandler, Timed {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  var timerPlace: TimerWheel.Place?
  private let channel: UpgradingChannel<Acceptor>
  private let timers: TimerWheel
  private let deadline: NIODeadline
  private var context: ChannelHandlerContext?

  init(_ channel: UpgradingChannel<Acceptor>, on eventLoop: any EventLoop) {
    self.channel = channel
    timers = channel.opening.timers.value(on: eventLoop)
    deadline = .now() + .seconds(Int64(channel.opening.configuration.handshakeTimeoutSeconds))
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    timers.arm(self, at: Int64(deadline.uptimeNanoseconds))
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timers.disarm(self)
    self.context = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if let (admission, byteCount) = plainHandshake(in: bytes, context.channel) {
      bytes.moveReaderIndex(forwardBy: byteCount)
      upgrade(admission, context)
    } else if bytes.beginsTLS {
      channel.tlsOnPlainPort(context.channel)
      leaveToHTTP(context, refusal: .tlsOnPlainPort)
      bytes.clear()
    } else {
      leaveToHTTP(context)
    }
    // What follows a good opening handshake at once is no HTTP any more.
    if bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(bytes)) }
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  private func plainHandshake(
    in bytes: ByteBuffer, _ channel: any Channel
  ) -> (WebSocketOpening<Acceptor>.Admission, byteCount: Int)? {
    let opening = self.channel.opening
    let configuration = opening.configuration
    let head = PlainRequestHead(
      bytes, bytesMax: configuration.headerBytesMax, fieldsMax: configuration.headerFieldsMax)
    guard let head else { return nil }
    // What is refused is refused by the HTTP pipeline, with an answer.
    let admission = try? opening.admit(
      method: "GET", target: head.target, headers: head.fields, from: channel)
    return admission.map { ($0, head.byteCount) }
  }

  private func upgrade(_ admission: WebSocketOpening<Acceptor>.Admission, _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(admission.response.head), promise: nil)
    guard context.channel.isActive else { return }
    do {
      try channel.upgrade(admission, context.channel)
    } catch {
      context.close(promise: nil)
    }
  }

  private func leaveToHTTP(_ context: ChannelHandlerContext, refusal: OpeningHandshakeRejection? = nil) {
    do {
      try channel.configureHTTP(context.channel, deadline: deadline, refusal: refusal)
    } catch {
      context.close(promise: nil)
    }
  }

  /// Nothing has come: the HTTP pipeline says so.
  func timeReached() {
    guard let context else { return }
    guard deadline <= .now() else { return timers.arm(self, at: Int64(deadline.uptimeNanoseconds)) }
    leaveToHTTP(context)
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is ChannelShouldQuiesceEvent: context.close(promise: nil)
    case ChannelEvent.inputClosed: context.close(promise: nil)
    case _: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

extension OpeningHandshakeResponse {
  /// The status line and the header fields (RFC 6455 §4.2.2).
  fileprivate var head: ByteBuffer {
    var bytes = ByteBuffer()
    bytes.reserveCapacity(256)
    bytes.writeStaticString("HTTP/1.1 101 Switching Protocols\r\n")
    for header in headers {
      bytes.writeString(header.name)
      bytes.writeStaticString(": ")
      bytes.writeString(header.value)
      bytes.writeStaticString("\r\n")
    }
    bytes.writeStaticString("\r\n")
    return bytes
  }
}

extension OpeningHandshakeRejection {
  /// No TLS client reads it as text; those who look at what came see it, and all others see that it is no TLS.
  fileprivate static let tlsOnPlainPort = OpeningHandshakeRejection(
    status: 400, "this port speaks no TLS: use http:// and ws://")
}

extension ByteBuffer {
  /// A handshake record of any version (RFC 8446 §5.1); HTTP begins with a letter.
  fileprivate var beginsTLS: Bool {
    getInteger(at: readerIndex, as: UInt8.self) == 22
      && [nil, 3].contains(getInteger(at: readerIndex + 1, as: UInt8.self))
  }
}
