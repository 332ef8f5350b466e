import CasebusJournal
import CasebusProtocol

/// What a client wants of durable consumers. Its later messages wait until that is answered (Protocol §4.4).
enum ConsumerTask: Sendable {
  case subscribe(SubscribeOptions, ConsumerName)
  case list
  case get(ConsumerName)
  case delete(ConsumerName)
  case redeliver(ConsumerName, ParkedChoice)

  /// nil if the request is about something else.
  init?(_ request: Request) {
    switch request {
    case .listConsumers: self = .list
    case .getConsumer(let name): self = .get(name)
    case .deleteConsumer(let name): self = .delete(name)
    case .redeliver(let name, let choice): self = .redeliver(name, choice)
    case .deleteUserData, .getByInteractionID, .getInteractions, .selectCase, .setUserData, .markdone, .blockMarkdone,
      .unblockMarkdone, .broadcastMessage, .getAllowedServices:
      return nil
    }
  }

  /// Whether a message asks for something of this kind.
  static func isAsked(by content: ClientMessage.Content) -> Bool {
    switch content {
    case .subscribe(let options): options.durable != nil
    case .request(let name, _): name.hasBytePrefix("consumer.")
    case .unsubscribe, .publish, .acknowledge: false
    }
  }
}

/// A task, who wants it, and in which workspace; nil for a monitor's.
struct ConsumerCall: Sendable {
  var asker: Outcome.Asker
  var workspace: WorkspaceID?

  func key(_ name: ConsumerName) -> JournalConsumer.Key {
    JournalConsumer.Key(name: name.text, workspace: workspace)
  }
}
