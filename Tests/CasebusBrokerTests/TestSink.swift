import CasebusBroker
import CasebusDeflate
import CasebusProtocol
import CasebusWebSocket
import CasebusWorkspace
import DequeModule
import NIOCore
import Synchronization

/// A connection that keeps what it is given, read as a client reads it.
final class TestSink: SessionSink {
  private var connection: WebSocketConnection
  private var unflushed: [ByteBuffer] = []
  private var messages: [String] = []
  private(set) var writes = 0
  private(set) var bytesWritten = 0
  private(set) var largestWrite = 0
  private(set) var flushes = 0
  private(set) var isReading = true
  /// What the client sent and the session did not take yet.
  private var unread: Deque<String> = []
  var unreadCount: Int { unread.count }
  private weak var session: Session?
  private(set) var isCutOff = false
  private(set) var closed: (code: CloseCode, reason: String)?

  func send(_ frames: ByteBuffer) {
    write(frames)
    flush()
  }

  init(_ encoding: MessageEncoding) {
    var compression: MessageCompression?
    if case .deflated(let windowBits) = encoding {
      let server = DeflateAgreement.Direction(windowBits: windowBits, keepsContext: false)
      compression = .client(DeflateAgreement(server: server), thresholdBytes: .max)
    }
    connection = WebSocketConnection(role: .client { WebSocketMaskingKey(0) }, compression: compression)
  }

  func write(_ frames: ByteBuffer) {
    guard closed == nil else { return }
    writes += 1
    bytesWritten += frames.readableBytes
    largestWrite = max(largestWrite, frames.readableBytes)
    unflushed.append(frames)
  }

  func flush() {
    flushes += 1
    for var frames in unflushed {
      connection.receive(&frames, at: 0)
      while let event = connection.nextEvent() {
        guard case .text(let text) = event else { preconditionFailure("the broker sent \(event)") }
        messages.append(String(buffer: text))
      }
    }
    unflushed = []
  }

  /// Whether the client takes what it is sent; what waits for that is called when it does again.
  var isWritable = true {
    didSet { if isWritable { runWaiting() } }
  }
  private var waiting: [() -> Void] = []

  func whenWritable(_ body: @escaping () -> Void) {
    flush()
    if isWritable { body() } else { waiting.append(body) }
  }

  private func runWaiting() {
    let bodies = waiting
    waiting = []
    for body in bodies { body() }
  }

  /// What waited is taken at once, as `WebSocketHandler` does it.
  func setReading(_ isReading: Bool) {
    self.isReading = isReading
    drain()
  }

  func feed(_ texts: [String], to session: Session) {
    self.session = session
    unread.append(contentsOf: texts)
    drain()
  }

  private func drain() {
    while isReading, let text = unread.popFirst() { session?.textReceived(ByteBuffer(string: text)) }
  }

  func close(_ code: CloseCode, reason: String) {
    flush()
    closed = (code, reason)
  }

  func cutOff() {
    isCutOff = true
  }

  func takeMessages() -> [String] {
    defer { messages = [] }
    return messages
  }
}

/// A wall clock that stands still until it is moved.
final class ManualClock: Sendable {
  private let milliseconds = Atomic<Int64>(1_700_000_000_000)

  var now: Timestamp { Timestamp(milliseconds: milliseconds.load(ordering: .relaxed)) }

  /// Somebody sets it.
  func step(milliseconds interval: Int64) { advance(milliseconds: interval) }

  func advance(milliseconds interval: Int64) {
    milliseconds.add(interval, ordering: .relaxed)
  }
}
