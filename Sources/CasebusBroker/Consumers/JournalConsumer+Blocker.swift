import CasebusJournal
import CasebusProtocol
import CasebusWorkspace

/// The blocks that sessions of a durable consumer place are the consumer's (Protocol §8.2).
extension JournalConsumer.Key {
  var blocker: Blocker { .client(Identifier(Blocker.consumerPrefix + name)) }

  /// A consumer of one workspace; nil if the name is none.
  init?(_ name: String, in workspace: WorkspaceID) {
    guard ConsumerName(name) != nil else { return nil }
    self.init(name: name, workspace: workspace)
  }
}

extension Blocker {
  fileprivate static var consumerPrefix: String { "durable:" }

  /// nil if it is not a durable consumer.
  var consumerName: String? {
    guard case .client(let name) = self, name.text.hasBytePrefix(Self.consumerPrefix) else { return nil }
    return String(name.text.dropFirst(Self.consumerPrefix.count))
  }
}
