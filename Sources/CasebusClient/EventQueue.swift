import CasebusProtocol
import NIOCore
import Synchronization

/// The queue between the connection and the tasks that take events. Events are queued as their text: decoded they would
/// take many times the memory.
final class EventQueue: Sendable {
  typealias Event = CasebusClient.Event
  private typealias Taker = CheckedContinuation<Event?, Never>

  private let state = Mutex(State())
  private let decode: @Sendable (ByteBuffer) -> Event?

  private struct State {
    var texts = CircularBuffer<ByteBuffer>()
    var bytes = 0
    /// The tasks that wait for an event; empty while events are queued.
    var takers: [(id: Int, taker: Taker)] = []
    var takersMade = 0
    var isFinished = false
    /// Called for each event that was taken from the queue.
    var onTaken: (@Sendable () -> Void)?
  }

  /// - Parameter decode: decodes the text of an event message.
  init(decode: @escaping @Sendable (ByteBuffer) -> Event?) {
    self.decode = decode
  }

  /// The size of the queued events in bytes.
  var bytes: Int { state.withLock { $0.bytes } }

  /// The number of tasks that wait for an event.
  var takerCount: Int { state.withLock { $0.takers.count } }

  func whenTaken(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.onTaken = body }
  }

  // MARK: - From the connection

  /// - Parameters:
  ///   - event: the decoded event.
  ///   - text: its message.
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

  /// No more events come; queued ones can still be taken.
  func finish() {
    let takers = state.withLock { state in
      state.isFinished = true
      state.onTaken = nil
      defer { state.takers = [] }
      return state.takers
    }
    for (_, taker) in takers { taker.resume(returning: nil) }
  }

  /// Drops the queued events.
  func discard() {
    state.withLock { state in
      state.texts = CircularBuffer()
      state.bytes = 0
    }
    finish()
  }

  // MARK: - To the tasks that take events

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
      // The task was cancelled before it was in the list, so the cancellation did not find it.
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
