import CasebusProtocol
import CasebusTransport
import NIOCore

/// A connection to an echo server, one message at a time.
final class EchoLink: MessageReceiver, Sendable {
  let eventLoop: any EventLoop
  private let state: NIOLoopBoundBox<State>
  private let closed: EventLoopPromise<ConnectionClosure?>

  private struct State {
    var connection: WebSocketHandler
    /// The continuation that waits for the next message.
    var waiting: EventLoopPromise<EchoMessage>?
    /// The first unexpected message.
    var surplus: EchoMessage?
    /// How the connection ended.
    var end: ConnectionClosure?
  }

  /// On the connection's event loop.
  init(_ connection: WebSocketHandler) {
    eventLoop = connection.eventLoop
    closed = eventLoop.makePromise()
    state = NIOLoopBoundBox(State(connection: connection), eventLoop: eventLoop)
  }

  /// Whether permessage-deflate was negotiated.
  func isDeflating() async throws -> Bool {
    try await eventLoop.submit { self.state.value.connection.deflateAgreement != nil }.get()
  }

  /// Sends a message and returns the answer.
  /// - Throws: ``EchoFailure`` if there is no answer, or an unexpected message.
  func exchange(_ message: EchoMessage, within timeout: TimeAmount) async throws -> EchoMessage {
    let promise = eventLoop.makePromise(of: EchoMessage.self)
    eventLoop.execute { self.send(message, promise, timeout) }
    return try await promise.futureResult.get()
  }

  /// Ends the connection with a closing handshake.
  /// - Returns: the content of the server's close frame.
  /// - Throws: ``EchoFailure`` if there was none.
  func close() async throws -> ConnectionClosure {
    eventLoop.execute { self.state.value.connection.close(.normal, reason: "the client is done") }
    guard let closure = try await closed.futureResult.get() else {
      throw EchoFailure("the server did not answer the close frame")
    }
    if let surplus = try await eventLoop.submit({ self.state.value.surplus }).get() {
      throw EchoFailure("got \(surplus) more than was sent")
    }
    return closure
  }

  private func send(_ message: EchoMessage, _ promise: EventLoopPromise<EchoMessage>, _ timeout: TimeAmount) {
    if let end = state.value.end { return promise.fail(EchoFailure(end)) }
    if let surplus = state.value.surplus { return promise.fail(EchoFailure("got \(surplus) more than was sent")) }
    state.value.waiting = promise
    let timer = eventLoop.assumeIsolated().scheduleTask(in: timeout) {
      self.state.value.waiting = nil
      promise.fail(EchoFailure("nothing came back within \(timeout.nanoseconds / 1_000_000_000) s"))
    }
    promise.futureResult.whenComplete { _ in timer.cancel() }
    switch message.kind {
    case .text: state.value.connection.writeText(message.payload)
    case .binary: state.value.connection.writeBinary(message.payload)
    }
    state.value.connection.flush()
  }
}

// MARK: - From the connection

extension EchoLink {
  func textReceived(_ text: ByteBuffer) { received(EchoMessage(kind: .text, payload: text)) }

  func binaryReceived(_ bytes: ByteBuffer) { received(EchoMessage(kind: .binary, payload: bytes)) }

  func connectionClosed(_ closure: ConnectionClosure) {
    state.value.end = closure
    takeWaiting()?.fail(EchoFailure(closure))
    closed.succeed(state.value.connection.peerClosure)
  }

  private func received(_ message: EchoMessage) {
    if let waiting = takeWaiting() {
      waiting.succeed(message)
    } else {
      state.value.surplus = state.value.surplus ?? message
    }
  }

  private func takeWaiting() -> EventLoopPromise<EchoMessage>? {
    defer { state.value.waiting = nil }
    return state.value.waiting
  }
}

/// The fault of an echo server.
struct EchoFailure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }

  /// The connection ended too early.
  init(_ closure: ConnectionClosure) {
    self.init("the connection ended with close code \(closure.code): \(closure.reason)")
  }
}
