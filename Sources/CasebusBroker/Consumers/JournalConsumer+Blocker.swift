import CasebusJournal
import CasebusProtocol
import CasebusWorkspace

/// The blocks that sessions of a durable consumer place are the consumer's (Protocol §8.2).
extension JournalConsumer.Key {
  var blocker: Blocker {
    .client(Identifier((workspace == nil ? Blocker.spanningPrefix : Blocker.consumerPrefix) + name))
  }

  /// The consumer of this workspace, or of all of them, that places blocks as a blocker; nil if it is something else.
  init?(_ blocker: Blocker, in workspace: WorkspaceID) {
    guard case .client(let client) = blocker else { return nil }
    let isSpanning = client.text.hasBytePrefix(Blocker.spanningPrefix)
    let prefix = isSpanning ? Blocker.spanningPrefix : Blocker.consumerPrefix
    guard client.text.hasBytePrefix(prefix) else { return nil }
    let name = String(client.text.dropFirst(prefix.count))
    guard ConsumerName(name) != nil else { return nil }
    self.init(name: name, workspace: isSpanning ? nil : workspace)
  }
}

extension Blocker {
  fileprivate static var consumerPrefix: String { "durable:" }
  /// Of a consumer of all workspaces; no name of a consumer begins with `*`, so that it is none of one workspace.
  fileprivate static var spanningPrefix: String { "durable:*" }
}
