import CasebusProtocol
import CasebusTransport
import NIOCore
import Synchronization

/// One connection of a client, and its unanswered messages.
final class ClientLink: MessageReceiver, Sendable {
  typealias Answer = Result<ServerMessage, ClientError>

  private let connection: NIOLoopBound<WebSocketHandler>
  private let eventLoop: any EventLoop
  private let events: EventQueue
  private let eventsBytesMax: Int
  private let state = Mutex(State())
  private let closed: EventLoopPromise<Void>

  /// A broker's answers can have many interactions, and nest their data deeper than the published message.
  private static let limits = JSONLimits(depthMax: 64, keysMax: .max)

  private struct State {
    var messagesSent = 0
    var waiting: [Int: CheckedContinuation<Answer, Never>] = [:]
    /// Whether reading is paused, because too many events are queued.
    var isPaused = false
    /// Whether the user has closed the client.
    var isClosing = false
    /// How the connection ended; nil while it is open.
    var end: ClientError?
  }

  /// Must be called on the connection's event loop.
  init(_ connection: WebSocketHandler, events: EventQueue, eventsBytesMax: Int) {
    eventLoop = connection.eventLoop
    closed = eventLoop.makePromise()
    self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
    self.events = events
    self.eventsBytesMax = eventsBytesMax
    events.whenTaken { [weak self] in self?.eventTaken() }
  }

  /// Sends the message that the closure makes for a reference, and waits for its answer.
  func ask(_ makeMessage: (_ reference: JSONValue) -> JSONValue) async throws(ClientError) -> ServerMessage {
    let reference = state.withLock { state in
      state.messagesSent += 1
      return state.messagesSent
    }
    let text = Self.encode(makeMessage(.string(String(reference))))
    let answer = await withCheckedContinuation { continuation in
      guard wait(for: reference, continuation) else { return }
      eventLoop.execute { [self] in
        connection.value.writeText(text)
        connection.value.flush()
        updateReading()
      }
    }
    return try Self.value(of: answer)
  }

  /// How the connection ended; nil while it is open.
  var end: ClientError? { state.withLock { $0.end } }

  func close() async {
    eventLoop.execute { [self] in
      connection.value.close(.normal, reason: "the client is done")
      // The broker's close frame comes after events that are no longer wanted.
      state.withLock { $0.isClosing = true }
      events.discard()
      updateReading()
    }
    try? await closed.futureResult.get()
  }

  /// - Returns: false if the connection has ended; then the answer is given at once.
  private func wait(for reference: Int, _ continuation: CheckedContinuation<Answer, Never>) -> Bool {
    let end = state.withLock { state in
      if state.end == nil { state.waiting[reference] = continuation }
      return state.end
    }
    if let end { continuation.resume(returning: .failure(end)) }
    return end == nil
  }

  private static func value(of answer: Answer) throws(ClientError) -> ServerMessage {
    let message = try answer.get()
    if case .failure(_, let code, let text, _, _) = message { throw .refused(code: code, message: text) }
    return message
  }

  private static func encode(_ message: JSONValue) -> ByteBuffer {
    var message = message.objectValue ?? [:]
    message["userAgent"] = "WWE Casebus client"
    message["protocolVersion"] = .number(JSONNumber(protocolVersion))
    var text = ByteBuffer()
    text.writeJSON(message)
    return text
  }
}

// MARK: - From the connection

extension ClientLink {
  func textReceived(_ text: ByteBuffer) {
    guard let message = try? ServerMessage(decoding: text, limits: Self.limits) else { return }
    switch message {
    case .event(let name, let data, let labels):
      events.append(CasebusClient.Event(name: name, data: data, labels: labels), text)
      updateReading()
    case .response(let reference, _, _, _), .subscribed(let reference, _), .failure(let reference, _, _, _, _):
      answered(reference, message)
    }
  }

  // The protocol has no binary messages.
  func binaryReceived(_ bytes: ByteBuffer) {}

  func connectionClosed(_ closure: ConnectionClosure) {
    let end = ClientError.connectionLost(code: closure.code, reason: closure.reason)
    let waiting = state.withLock { state in
      state.end = state.end ?? end
      defer { state.waiting = [:] }
      return state.waiting
    }
    for continuation in waiting.values { continuation.resume(returning: .failure(self.end ?? end)) }
    events.finish()
    closed.succeed()
  }

  private func answered(_ reference: ReferenceID?, _ message: ServerMessage) {
    guard case .string(let text) = reference, let number = Int(text) else { return }
    state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: .success(message))
    updateReading()
  }
}

// MARK: - Reading no more than is taken

extension ClientLink {
  /// How many times `clientEventsBytesMax` can arrive before an awaited answer.
  private static var patienceFactor: Int { 8 }

  static func event(in text: ByteBuffer) -> CasebusClient.Event? {
    guard case .event(let name, let data, let labels)? = try? ServerMessage(decoding: text, limits: limits) else {
      return nil
    }
    return CasebusClient.Event(name: name, data: data, labels: labels)
  }

  /// Called on any thread. Notifies the loop only if reading may continue.
  private func eventTaken() {
    guard state.withLock({ $0.isPaused }), events.bytes <= eventsBytesMax / 2 else { return }
    eventLoop.execute { self.updateReading() }
  }

  /// Called on the event loop. Reading continues while an answer is awaited, because the same task may take the events.
  private func updateReading() {
    let (wasPaused, isPaused, isTooMuch) = state.withLock { state in
      // Under the lock: a later taker sees the pause and notifies the loop again.
      let bytes = events.bytes
      let wasPaused = state.isPaused
      let isOver = bytes > (wasPaused ? eventsBytesMax / 2 : eventsBytesMax)
      state.isPaused = isOver && state.waiting.isEmpty && !state.isClosing && state.end == nil
      return (wasPaused, state.isPaused, bytes / Self.patienceFactor > eventsBytesMax && state.end == nil)
    }
    if isTooMuch { return giveUp() }
    guard isPaused != wasPaused else { return }
    if isPaused { connection.value.pauseReading() } else { connection.value.resumeReading() }
  }

  private func giveUp() {
    state.withLock { $0.end = .tooManyEvents(bytesMax: eventsBytesMax) }
    // Queued events can still be taken.
    events.finish()
    connection.value.close(.normal, reason: "the client does not take its events")
  }
}
