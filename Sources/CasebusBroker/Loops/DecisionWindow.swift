import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule

/// Which messages may be decided now, so that what was decided for a session and was not sent to it stays bounded.
///
/// How large an answer gets is known only when it is made. So a message is decided while the session's large outcomes in
/// flight are within the limit, and what comes of it may exceed it by one. Small outcomes are not counted: of them there
/// are at most as many as messages in flight.
struct DecisionWindow {
  /// What waits to be decided, in the order of its session.
  enum Message {
    case said(Result<ClientMessage.Content, Failure>, Caller)
    /// The session ended, and with it its part in a durable consumer; what it was at then.
    case leftConsumer(JournalConsumer.Key, SessionKey, SessionWorkload.Work?)
    /// The session is gone.
    case left(SessionKey)

    var session: SessionKey {
      switch self {
      case .said(_, let caller): caller.session
      case .leftConsumer(_, let session, _), .left(let session): session
      }
    }
  }

  enum OnMessage {
    case decide
    /// ``next()`` gives it out again.
    case wait
  }

  /// A smaller outcome is not counted.
  static var smallOutcomeBytes: Int { 16_384 }

  private let bytesMax: Int
  private var accounts: [SessionKey: Account] = [:]
  /// The sessions whose first message may be decided as soon as the loop has room; each once.
  private var turns: Deque<SessionKey> = []

  private struct Account {
    var bytes = 0
    var waiting: Deque<(workspace: WorkspaceID, message: Message)> = []
    var hasTurn = false
    var isLeaving = false

    var isUnused: Bool { bytes == 0 && waiting.isEmpty }
  }

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
  }

  /// Whether no message waits, and nothing that counts is in flight.
  var isEmpty: Bool { accounts.isEmpty }

  /// Whether messages wait that need only the loop's room.
  var hasTurns: Bool { !turns.isEmpty }

  /// Whether messages of a session for a workspace wait. Those of a monitor may be for several ones.
  func isWaiting(_ session: SessionKey, in workspace: WorkspaceID) -> Bool {
    accounts[session]?.waiting.contains { $0.workspace == workspace } ?? false
  }

  /// Whether a session is gone of which messages wait.
  func isLeaving(_ session: SessionKey) -> Bool { accounts[session]?.isLeaving ?? false }

  /// - Parameter hasRoom: whether the loop may decide anything.
  mutating func received(_ message: Message, in workspace: WorkspaceID, hasRoom: Bool) -> OnMessage {
    guard !hasRoom || !accounts.isEmpty else { return .decide }
    let session = message.session
    var account = accounts[session] ?? Account()
    if hasRoom, account.waiting.isEmpty, account.bytes < bytesMax { return .decide }
    switch message {
    case .said: break
    // Nothing comes of these that needs room: only what was said before keeps them waiting.
    case .leftConsumer:
      if account.waiting.isEmpty { return .decide }
    case .left:
      if account.waiting.isEmpty {
        accounts[session] = nil
        return .decide
      }
      account.isLeaving = true
      account.bytes = 0
    }
    account.waiting.append((workspace, message))
    accounts[session] = account
    giveTurn(to: session)
    return .wait
  }

  /// Something came of a message.
  /// - Returns: as many bytes count until ``sent(_:to:)``.
  mutating func decided(_ bytes: Int, for session: SessionKey) -> Int {
    guard bytes > Self.smallOutcomeBytes, !isLeaving(session) else { return 0 }
    accounts[session, default: Account()].bytes += bytes
    return bytes
  }

  /// What came of messages was sent.
  mutating func sent(_ bytes: Int, to session: SessionKey) {
    guard let account = accounts[session], !account.isLeaving else { return }
    accounts[session]!.bytes = max(0, account.bytes - bytes)
    giveTurn(to: session)
    forgetIfUnused(session)
  }

  /// The next message to be decided, if the loop has room.
  mutating func next() -> (workspace: WorkspaceID, message: Message)? {
    while let session = turns.popFirst() {
      accounts[session]?.hasTurn = false
      guard let account = accounts[session], account.bytes < bytesMax else { continue }
      guard let first = accounts[session]!.waiting.popFirst() else { continue }
      giveTurn(to: session)
      forgetIfUnused(session)
      return first
    }
    return nil
  }

  /// The session of a monitor has ended. What waits of it is decided; nothing that comes of it counts.
  mutating func end(_ session: SessionKey) {
    guard let account = accounts[session] else { return }
    accounts[session]!.bytes = 0
    accounts[session]!.isLeaving = true
    if account.waiting.isEmpty { accounts[session] = nil } else { giveTurn(to: session) }
  }

  /// A session is gone, and nothing of it waits.
  mutating func forget(_ session: SessionKey) {
    accounts[session] = nil
  }

  private mutating func giveTurn(to session: SessionKey) {
    guard let account = accounts[session], !account.hasTurn, !account.waiting.isEmpty, account.bytes < bytesMax else {
      return
    }
    accounts[session]!.hasTurn = true
    turns.append(session)
  }

  private mutating func forgetIfUnused(_ session: SessionKey) {
    if accounts[session]?.isUnused == true { accounts[session] = nil }
  }
}
