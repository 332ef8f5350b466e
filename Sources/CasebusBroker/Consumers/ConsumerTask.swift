import CasebusJournal
import CasebusProtocol

/// What a client wants of durable consumers. Its later messages wait until that is answered (Protocol §4.4).
enum ConsumerTask: Sendable {
  case subscribe(SubscribeOptions, ConsumerName)
  case list
  case get(ConsumerName)
  case delete(ConsumerName)
  case redeliver(ConsumerName, ParkedChoice)
}

/// A task, who wants it, and in which workspace; nil for a monitor's.
struct ConsumerCall: Sendable {
  var caller: Caller
  var workspace: WorkspaceID?

  func key(_ name: ConsumerName) -> JournalConsumer.Key {
    JournalConsumer.Key(name: name.text, workspace: workspace)
  }
}
