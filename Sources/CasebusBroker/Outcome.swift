import CasebusProtocol
import NIOCore

/// What one message of a client, or one deadline, led to: an answer, then events. Released after the commit, in order.
struct Outcome: Sendable {
  /// What happens on the session's own loop, in the order of the workspace.
  enum Answer: Sendable {
    /// Nothing is to be said; the session still learns that its message is done with.
    case silent
    case frame(TextFrame)
    case subscribe([EventName])
    case unsubscribe(SubscriptionID)
  }

  /// Who is answered; nil where no client asked.
  var asker: Asker?
  var answer: Answer
  var events: [EncodedEvent] = []

  /// What the answer and the events hold in memory, about.
  var bytes: Int {
    let answerBytes = if case .frame(let frame) = answer { frame.messageBytes } else { 0 }
    return events.reduce(answerBytes) { $0 + $1.frame.messageBytes }
  }

  /// Whom an answer goes to, and what the client called its message.
  struct Asker: Sendable {
    var session: SessionKey
    var referenceID: ReferenceID?
  }
}

extension TextFrame {
  /// The frame of a response whose data the closure writes.
  static func response(
    to referenceID: ReferenceID?, writeData: (inout ByteBuffer) -> Void = { $0.writeJSON(.null) }
  ) -> TextFrame {
    TextFrame { ServerMessage.writeResponse(to: referenceID, into: &$0, writeData: writeData) }
  }

  /// The frame of a failure.
  static func failure(to referenceID: ReferenceID?, _ failure: Failure) -> TextFrame {
    TextFrame {
      ServerMessage.writeFailure(to: referenceID, code: failure.code.rawValue, message: failure.message, into: &$0)
    }
  }
}
