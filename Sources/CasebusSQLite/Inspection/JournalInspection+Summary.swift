public import CasebusJournal
import GRDB

/// What is in a journal, in numbers.
public struct JournalSummary: Sendable {
  public var schema: Int
  public var epoch: String
  /// The files and their bytes.
  public var files: [(name: String, bytes: Int64)]
  public var workspaceCount: Int
  public var eventCount: UInt64
  public var receiptCount: Int
  /// Those with the most events, these first.
  public var workspaces: [Workspace]
  public var consumers: [Consumer]

  public struct Workspace: Sendable {
    public var name: String
    /// The oldest record that is kept; `last + 1` if none is.
    public var first: JournalOffset
    public var last: JournalOffset
    public var snapshot: JournalOffset?
    /// Milliseconds since 1970.
    public var deadline: Int64?
  }

  public struct Consumer: Sendable {
    public var consumer: JournalConsumer
    /// In how many workspaces something is left to do.
    public var workspacesBehind: Int
    public var backlog: UInt64
    public var parked: Int
  }
}

extension JournalInspection {
  /// - Parameter workspacesMax: how many workspaces are listed.
  public func summary(workspacesMax: Int) throws -> JournalSummary {
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
    let backlogs = try JournalReader(db).backlog(of: consumer.key)
    let counts = backlogs.map { $0.last - min($0.position, $0.last) }
    self.init(
      consumer: consumer, workspacesBehind: counts.count { $0 > 0 }, backlog: counts.reduce(0, +),
      parked: backlogs.reduce(0) { $0 + $1.parked.count })
  }
}
