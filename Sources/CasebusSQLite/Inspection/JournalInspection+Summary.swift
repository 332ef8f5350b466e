package import CasebusJournal
import GRDB

/// The numbers of a journal.
package struct JournalSummary: Sendable {
  package var schema: Int
  package var epoch: String
  /// The files and their bytes.
  package var files: [(name: String, bytes: Int64)]
  package var workspaceCount: Int
  package var eventCount: UInt64
  package var receiptCount: Int
  /// The workspaces with the most events, in descending order.
  package var workspaces: [Workspace]
  package var consumers: [Consumer]

  package struct Workspace: Sendable {
    package var name: String
    /// The offset of the oldest record; `last + 1` without records.
    package var first: JournalOffset
    package var last: JournalOffset
    package var snapshot: JournalOffset?
    /// Milliseconds since 1970.
    package var deadline: Int64?
  }

  package struct Consumer: Sendable {
    package var consumer: JournalConsumer
    /// In how many workspaces the consumer has unacknowledged events.
    package var workspacesBehind: Int
    package var backlog: UInt64
    package var parked: Int
  }
}

extension JournalInspection {
  /// - Parameter workspacesMax: how many workspaces are listed.
  package func summary(workspacesMax: Int) throws -> JournalSummary {
    try read { db in
      let lines = try WorkspaceLine.all(db)
      return JournalSummary(
        schema: try JournalSchema.Identity(db).version,
        epoch: try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'epoch'") ?? "", files: files.sizes,
        workspaceCount: lines.count, eventCount: lines.reduce(0) { $0 + $1.count },
        receiptCount: try Int.fetchOne(db, sql: "SELECT count(*) FROM receipts") ?? 0,
        workspaces: lines.sorted { $0.count > $1.count }.prefix(workspacesMax).map(JournalSummary.Workspace.init),
        consumers: try JournalReader(db).consumers().map { try JournalSummary.Consumer($0, db) })
    }
  }
}

extension JournalSummary.Workspace {
  fileprivate init(_ line: WorkspaceLine) {
    self.init(
      name: line.name, first: line.pruned + 1, last: line.last, snapshot: line.snapshot, deadline: line.deadline)
  }
}

extension JournalSummary.Consumer {
  fileprivate init(_ consumer: JournalConsumer, _ db: Database) throws {
    let backlogs = try JournalReader(db).backlog(of: consumer.key) ?? []
    let counts = backlogs.map { $0.last - min($0.position, $0.last) }
    self.init(
      consumer: consumer, workspacesBehind: counts.count { $0 > 0 }, backlog: counts.reduce(0, +),
      parked: backlogs.reduce(0) { $0 + $1.parked.count })
  }
}
