import CasebusWebSocket
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// One request of a connection that can stay open for another one. A task answers it.
struct PlainExchange: Sendable {
  let request: Request
  let peer: OpeningRequest.Peer
  private let number: Int
  private let eventLoop: any EventLoop
  private let connection: NIOLoopBound<any AnswerSink>

  /// On the connection's event loop.
  /// - Parameter number: which request of the connection it is.
  init(
    _ head: HTTPRequest, number: Int, from peer: OpeningRequest.Peer, to connection: any AnswerSink,
    on eventLoop: any EventLoop
  ) {
    self.number = number
    request = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
    self.peer = peer
    self.eventLoop = eventLoop
    self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
  }

  func answer(by responder: HTTPResponder) async {
    let response = await responder(request, peer)
    try? await response.body.write(AnswerWriter(response.head, of: self))
    // No effect after a complete answer.
    abandon()
  }

  /// Ends the connection if the answer is not complete.
  func abandon() {
    eventLoop.execute { connection.value.abandonAnswer(number) }
  }

  fileprivate func write(_ parts: [HTTPResponsePart]) async throws {
    try await eventLoop.flatSubmit { connection.value.writeAnswer(parts, number) }.get()
  }
}

/// The connection that an answer is written to. On its event loop only.
protocol AnswerSink: AnyObject {
  /// Writes the next parts of an answer; completes when the system has them.
  func writeAnswer(_ parts: [HTTPResponsePart], _ number: Int) -> EventLoopFuture<Void>

  /// The answer has ended; if it is not complete, the connection ends.
  func abandonAnswer(_ number: Int)
}

/// Writes an answer in pieces, so that a peer that stops reading is noticed.
private struct AnswerWriter: ResponseBodyWriter {
  private let exchange: PlainExchange
  private var parts: [HTTPResponsePart]
  private var byteCount = 0

  private static var pieceBytesMax: Int { 65_536 }

  init(_ head: HTTPResponse, of exchange: PlainExchange) {
    self.exchange = exchange
    parts = [.head(head)]
  }

  mutating func write(_ buffer: ByteBuffer) async throws {
    var buffer = buffer
    while let piece = buffer.readSlice(length: min(buffer.readableBytes, Self.pieceBytesMax - byteCount)),
      piece.readableBytes > 0
    {
      parts.append(.body(piece))
      byteCount += piece.readableBytes
      guard byteCount == Self.pieceBytesMax else { continue }
      try await exchange.write(parts)
      parts = []
      byteCount = 0
    }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
    try await exchange.write(parts + [.end(trailingHeaders)])
  }
}
