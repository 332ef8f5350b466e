import CasebusJournal
import CasebusProtocol
import NIOCore

/// Everything that a journal says, to compare it with what another one says.
struct JournalContent: Equatable {
  var streams: [WorkspaceID: JournalStream] = [:]
  var records: [WorkspaceID: [JournalRecord]] = [:]
  var consumers: Set<JournalConsumer>
  var backlogs: [JournalConsumer.Key: [JournalBacklog]] = [:]
  var deadlines: Set<WorkspaceID>

  static let workspaces = [WorkspaceID.a, .b, WorkspaceID("c.d-e_F")!]

  init(of journal: any EventJournal) async throws {
    consumers = try await journal.consumers()
    deadlines = try await journal.workspacesWithDeadline()
    for workspace in Self.workspaces {
      streams[workspace] = try await journal.open(workspace)
      records[workspace] = try await journal.read(workspace, after: 0)
    }
    for consumer in consumers { backlogs[consumer.key] = try await journal.backlog(of: consumer.key) }
  }

  /// Something for every table. What it writes is also in the file of each schema (`Journals/`), so it may not change.
  static func write(to journal: any EventJournal) async throws {
    let everywhere = ConsumerConformanceTests.everywhere
    let here = ConsumerConformanceTests.here
    try await journal.append([.a: JournalRecord.range(1...40, time: 1_700_000_000_000)])
    try await journal.change(.make(everywhere, .now), .make(here, .after(5)))
    try await journal.append(to: .b, after: 0) {
      $0.records = JournalRecord.range(1...20, time: 1_700_000_000_500)
      $0.snapshot = JournalSnapshot(offset: 15, state: ByteBuffer(string: "{\"interactions\":[\"ü\"]}"))
      $0.deadline = 1_700_000_030_000
      $0.receipts = [
        JournalReceipt(messageID: "m-1", time: 1_700_000_000_500, offset: 19, failure: nil),
        JournalReceipt(
          messageID: "m-2", time: 1_700_000_000_501, offset: 20, failure: Failure(.illegalTransition, "no \"way\"")),
      ]
    }
    try await journal.append(to: .a, after: 40) {
      $0.positions = [
        JournalPosition(consumer: here.key, offset: 12),
        JournalPosition(
          consumer: everywhere.key, offset: 40, parked: [ParkedRecord(offset: 39, deliveries: 5, time: 7)]),
      ]
    }
    try await journal.append(to: WorkspaceID("c.d-e_F")!, after: 0) { $0.deadline = 1 }
  }
}
