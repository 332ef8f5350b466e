import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// What one message of a client, or one deadline, led to: an answer, then events. Released after the commit, in order.
///
/// The events stand in the ``WorkspaceRelease`` that the outcome is part of.
struct Outcome: Sendable {
  /// What happens on the session's own loop, in the order of the workspace. The cases that are rare are indirect, so that
  /// the frequent ones stay small.
  enum Answer: Sendable {
    /// Nothing is to be said; the session still learns that its message is done with.
    case silent
    /// A response without data; the workspace stood at this offset. The session's own loop encodes it.
    case done(at: JournalOffset)
    case frame(TextFrame)
    indirect case subscribe(SubscribeOptions, SubscriptionStart)
    indirect case unsubscribe(SubscriptionID, StreamPosition?)
    /// Something is to be done about durable consumers; the position is for a failure.
    indirect case consumer(ConsumerTask, StreamPosition?)
    /// A replay has come near to the end: what it has not read yet.
    indirect case endOfReplay(SubscriptionID, ReplayEnd)
  }

  /// Who is answered; nil where no client asked.
  var caller: Caller?
  var answer: Answer
  /// How many events follow it.
  var eventCount = 0
  /// Whether the events are not for the caller: messages to a channel are not for their sender.
  var excludesCaller = false
  /// The bytes of its answer and events in memory, about; known when it is given to the commit.
  var weight = 0
  /// As much of the caller's ``DecisionWindow`` it takes until it was sent, and on which loop.
  var charge = 0
  var chargingLoop = 0

  init(caller: Caller?, answer: Answer, excludesCaller: Bool = false) {
    self.caller = caller
    self.answer = answer
    self.excludesCaller = excludesCaller
  }

  var answerBytes: Int { if case .frame(let frame) = answer { frame.messageBytes } else { 0 } }
}

extension TextFrame {
  /// The frame of a response whose data the closure writes.
  static func response(
    to caller: Caller, at position: StreamPosition?,
    writeData: (inout ByteBuffer) -> Void = { $0.writeJSON(.null) }
  ) -> TextFrame {
    let position = caller.wantsPositions ? position : nil
    return TextFrame {
      ServerMessage.writeResponse(
        to: caller.referenceID, in: caller.workspaceID, at: position, into: &$0, writeData: writeData)
    }
  }

  /// The frame of a failure.
  static func failure(to caller: Caller, _ failure: Failure, at position: StreamPosition?) -> TextFrame {
    let position = caller.wantsPositions ? position : nil
    return TextFrame {
      ServerMessage.writeFailure(
        to: caller.referenceID, code: failure.code.rawValue, message: failure.message, in: caller.workspaceID,
        at: position, into: &$0)
    }
  }
}
