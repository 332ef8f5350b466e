import CasebusProtocol
import NIOCore
import Synchronization

/// Events between the connection, which brings them, and whoever takes them. They wait as the text that came: decoded they
/// would take many times its bytes, and not all alike.
final class EventQueue: Sendable {
  typealias Event = CasebusClient.Event
  private typealias Taker = CheckedContinuation<Event?, Never>

  private let state = Mutex(State())
  private let decode: @Sendable (ByteBuffer) -> Event?

  private struct State {
    var texts = CircularBuffer<ByteBuffer>()
    var bytes = 0
    /// Who waits for an event; only where there is none.
    var takers: [(id: Int, taker: Taker)] = []
    var takersMade = 0
    var isFinished = false
    /// Told of each event that was taken out of those that waited.
    var onTaken: (@Sendable () -> Void)?
  }

  /// - Parameter decode: makes an event of the text of a message that holds one.
  init(decode: @escaping @Sendable (ByteBuffer) -> Event?) {
    self.decode = decode
  }

  /// The bytes of the events that wait.
  var bytes: Int { state.withLock { $0.bytes } }

  /// How many wait for an event.
  var takerCount: Int { state.withLock { $0.takers.count } }

  func whenTaken(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.onTaken = body }
  }

  // MARK: - From the connection

  /// - Parameters:
  ///   - event: as it was decoded.
  ///   - text: the message that held it.
  func append(_ event: Event, _ text: ByteBuffer) {
    let taker = state.withLock { state -> Taker? in
      guard !state.isFinished else { return nil }
      guard state.takers.isEmpty else { return state.takers.removeFirst().taker }
      state.texts.append(text)
      state.bytes += text.readableBytes
      return nil
    }
    taker?.resume(returning: event)
  }

  /// Nothing more comes; what waits can be taken still.
  func finish() {
    let takers = state.withLock { state in
      state.isFinished = true
      state.onTaken = nil
      defer { state.takers = [] }
      return state.takers
    }
    for (_, taker) in takers { taker.resume(returning: nil) }
  }

  /// What waits is not wanted any more.
  func discard() {
    state.withLock { state in
      state.texts = CircularBuffer()
      state.bytes = 0
    }
    finish()
  }

  // MARK: - To whoever takes them

  func next() async -> Event? {
    let id = state.withLock { state in
      state.takersMade += 1
      return state.takersMade
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { take($0, id) }
    } onCancel: {
      giveUp(id)
    }
  }

  private enum OnTake {
    case text(ByteBuffer, (@Sendable () -> Void)?)
    case wait
    case over
  }

  private func take(_ taker: Taker, _ id: Int) {
    let isCancelled = Task.isCancelled
    let onTake = state.withLock { state -> OnTake in
      if let text = state.texts.popFirst() {
        state.bytes -= text.readableBytes
        return .text(text, state.onTaken)
      }
      guard !state.isFinished, !isCancelled else { return .over }
      state.takers.append((id, taker))
      return .wait
    }
    switch onTake {
    case .text(let text, let onTaken):
      taker.resume(returning: decode(text))
      onTaken?()
    case .wait:
      // Cancelled before it was in the list, it was not found there.
      if Task.isCancelled { giveUp(id) }
    case .over: taker.resume(returning: nil)
    }
  }

  private func giveUp(_ id: Int) {
    let taker = state.withLock { state in
      state.takers.firstIndex { $0.id == id }.map { state.takers.remove(at: $0).taker }
    }
    taker?.resume(returning: nil)
  }
}
