import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// What one message of a client, or one deadline, led to: an answer, then events. Released after the commit, in order.
struct Outcome: Sendable {
  /// What happens on the session's own loop, in the order of the workspace.
  enum Answer: Sendable {
    /// Nothing is to be said; the session still learns that its message is done with.
    case silent
    case frame(TextFrame)
    case subscribe(SubscribeOptions, SubscriptionStart)
    case unsubscribe(SubscriptionID, StreamPosition?)
    /// Something is to be done about durable consumers; the position is for a failure.
    case consumer(ConsumerTask, StreamPosition?)
    /// A replay has come near to the end: what it has not read yet.
    case endOfReplay(SubscriptionID, ReplayEnd)
  }

  /// Who is answered; nil where no client asked.
  var asker: Asker?
  var answer: Answer
  var events: [EncodedEvent] = []
  /// What it holds in memory, about; measured when it is given to the commit.
  private(set) var weight = 0
  /// As much of the asker's ``DecisionWindow`` it takes until it was sent, and on which loop.
  var charge = 0
  var chargingLoop = 0

  mutating func weigh() {
    let answerBytes = if case .frame(let frame) = answer { frame.messageBytes } else { 0 }
    weight = events.reduce(answerBytes) { $0 + $1.bytes }
  }

  /// Whom an answer goes to, and what the client said about its message.
  struct Asker: Sendable {
    var session: SessionKey
    /// Whether it sees all workspaces and is in none.
    var isMonitor = false
    /// The workspace that a monitor's request or publish names; its answer names it, too.
    var workspaceID: WorkspaceID?
    /// Whose markdone blocks the session makes.
    var blocker: Blocker
    /// Whose it made before it was part of a durable consumer; nil if it never could.
    var ownBlocker: Blocker?
    var referenceID: ReferenceID?
    var messageID: Identifier?
    /// How long the client's message was.
    var messageBytes = 0
    /// Whether answers tell where the workspace stands.
    var wantsPositions = false
    /// The durable consumer that the session is part of.
    var consumer: JournalConsumer.Key?
  }
}

/// How a subscription begins (Protocol §9.2).
struct SubscriptionStart: Sendable {
  /// Where the workspace stands; live events follow this one. nil on the connection of a monitor.
  var position: StreamPosition?
  /// The events after this offset are wanted, too.
  var replayAfter: JournalOffset?
  /// What the client is told about the events it missed; nil if it did not ask for any.
  var isRecovered: Bool?
}

/// How a replay goes on when it has read what it was to.
enum ReplayEnd: Sendable {
  /// These are the last ones; live events follow.
  case events([EncodedEvent])
  /// There is more than is kept in memory: it is to be read up to here.
  case further(through: JournalOffset)
}

extension TextFrame {
  /// The frame of a response whose data the closure writes.
  static func response(
    to asker: Outcome.Asker, at position: StreamPosition?,
    writeData: (inout ByteBuffer) -> Void = { $0.writeJSON(.null) }
  ) -> TextFrame {
    let position = asker.wantsPositions ? position : nil
    return TextFrame {
      ServerMessage.writeResponse(
        to: asker.referenceID, in: asker.workspaceID, at: position, into: &$0, writeData: writeData)
    }
  }

  /// The frame of a failure.
  static func failure(to asker: Outcome.Asker, _ failure: Failure, at position: StreamPosition?) -> TextFrame {
    let position = asker.wantsPositions ? position : nil
    return TextFrame {
      ServerMessage.writeFailure(
        to: asker.referenceID, code: failure.code.rawValue, message: failure.message, in: asker.workspaceID,
        at: position, into: &$0)
    }
  }
}
