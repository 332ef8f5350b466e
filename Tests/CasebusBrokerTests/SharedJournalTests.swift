import CasebusJournal
import CasebusProtocol
import CasebusTestSupport
import NIOCore
import Synchronization
import Testing

/// The journal that simulations share between brokers does what the contract says of conflicts: whoever comes second is
/// told where the stream stands, reads what it missed and appends again.
@Suite struct SharedJournalTests {
  @Test func twoWritersLeaveNoGapAndWriteNothingTwice() {
    var conflicts = 0
    for seed in 0..<UInt64(60) {
      var simulation = TwoWriters(seed: seed)
      if let problem = simulation.run() {
        Issue.record("seed \(seed): \(problem)")
        return
      }
      conflicts += simulation.conflicts
    }
    #expect(conflicts > 60)
  }

  @Test func theSecondIsToldWhereTheStreamStands() throws {
    let shared = SharedJournal()
    let (first, second) = (SimulatedJournal(shared), SimulatedJournal(shared))
    let results = Mutex<[Result<JournalCommit, JournalError>]>([])
    for journal in [first, second] {
      var part = JournalPart(expected: 0)
      part.records = [.number(1, at: 1), .number(2, at: 2)]
      journal.append(JournalBatch(parts: [.a: part])) { result in results.withLock { $0.append(result) } }
    }
    second.finishAppend(succeeds: true)
    first.finishAppend(succeeds: true)
    #expect(
      results.withLock { $0 } == [
        .success(JournalCommit()), .success(JournalCommit(refused: [.a: .conflict(.a, expected: 0, actual: 2)])),
      ])
    #expect(shared.stream(.a).last == 2)
  }

  /// A replay holds for all who share the journal.
  @Test func whatOneReplayNeedsNobodyPrunes() throws {
    let shared = SharedJournal()
    let (first, second) = (SimulatedJournal(shared), SimulatedJournal(shared))
    var part = JournalPart(expected: 0)
    part.records = (1...9).map { .number($0, at: JournalOffset($0)) }
    part.snapshot = JournalSnapshot(offset: 9, state: ByteBuffer(string: "{}"))
    first.append(JournalBatch(parts: [.a: part])) { _ in }
    first.finishAppend(succeeds: true)
    var replay: (any JournalReplay)? = try first.replay(.a, after: 4)
    second.prune(.a, upTo: 8)
    #expect(shared.stream(.a).first == 5 && replay != nil)
    replay = nil
    second.prune(.a, upTo: 8)
    #expect(throws: JournalError.pruned(first: 9)) { try first.replay(.a, after: 4) }
  }
}

/// Two writers that know nothing of each other write numbers into two workspaces. Commits and reads end in the order that
/// a seed makes, and some fail.
private struct TwoWriters {
  private(set) var conflicts = 0
  private let shared = SharedJournal()
  private let writers: [Writer]
  private var random: SplitMix64
  private var written: [WorkspaceID: Set<Int>] = [.a: [], .b: []]

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    writers = [Writer(shared), Writer(shared)]
  }

  /// - Returns: what went wrong; nil if nothing did.
  mutating func run() -> String? {
    for number in 0..<300 {
      let writer = writers.randomElement(using: &random)!
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        let workspace = Bool.random(using: &random) ? WorkspaceID.a : .b
        written[workspace]!.insert(number)
        writer.waiting[workspace, default: []].append(number)
      case 4..<6: writer.append()
      case 6..<8: writer.journal.finishAppend(succeeds: Int.random(in: 0..<10, using: &random) > 0)
      case _: writer.journal.finishRead(Int.random(in: 0..<5, using: &random), succeeds: Bool.random(using: &random))
      }
      if let problem = writer.settle() { return problem }
    }
    for _ in 0..<50 {
      for writer in writers {
        writer.append()
        writer.journal.finishAppend(succeeds: true)
        writer.journal.finishRead(0, succeeds: true)
        if let problem = writer.settle() { return problem }
      }
    }
    conflicts = writers[0].conflicts + writers[1].conflicts
    return check()
  }

  private func check() -> String? {
    for (workspace, numbers) in written {
      let records = shared.stream(workspace).all
      if records.map(\.offset) != records.indices.map({ JournalOffset($0 + 1) }) { return "a gap in \(workspace)" }
      let found = records.map(\.number)
      if found.sorted() != numbers.sorted() { return "\(workspace) has \(found), written were \(numbers.sorted())" }
      for (index, writer) in writers.enumerated() {
        if !writer.waiting[workspace, default: []].isEmpty { return "writer \(index) did not finish" }
        let known = writer.known[workspace, default: []]
        if known != Array(records.prefix(known.count)) { return "writer \(index) knows other records of \(workspace)" }
        let own = found.filter(writer.own.contains)
        if own != own.sorted() { return "the order of writer \(index) is lost: \(own)" }
      }
    }
    return nil
  }
}

private final class Writer {
  let journal: SimulatedJournal
  /// Numbers to be written, by workspace.
  var waiting: [WorkspaceID: [Int]] = [:]
  /// Own records and those that were taken over.
  private(set) var known: [WorkspaceID: [JournalRecord]] = [:]
  private(set) var own: Set<Int> = []
  private(set) var conflicts = 0
  private let shared: SharedJournal
  private var isAppending = false
  /// Workspaces in which another writer was first, and where their streams stand.
  private var behind: [WorkspaceID: JournalOffset] = [:]
  private let events = Events()

  private enum Event {
    case appended(JournalBatch, Result<JournalCommit, JournalError>)
    case read(WorkspaceID, Result<[JournalRecord], JournalError>)
  }

  /// What completions say, which may be called from any thread.
  private final class Events: Sendable {
    private let all = Mutex<[Event]>([])

    func put(_ event: Event) { all.withLock { $0.append(event) } }

    func take() -> [Event] {
      all.withLock { all in
        defer { all = [] }
        return all
      }
    }
  }

  init(_ shared: SharedJournal) {
    self.shared = shared
    journal = SimulatedJournal(shared)
  }

  private func end(of workspace: WorkspaceID) -> JournalOffset { JournalOffset(known[workspace]?.count ?? 0) }

  /// Appends what waits, but for workspaces that are behind.
  func append() {
    guard !isAppending else { return }
    var batch = JournalBatch()
    for (workspace, numbers) in waiting where !numbers.isEmpty && behind[workspace] == nil {
      var part = JournalPart(expected: end(of: workspace))
      part.records = numbers.enumerated().map { .number($1, at: part.expected + JournalOffset($0) + 1) }
      batch.parts[workspace] = part
    }
    guard !batch.isEmpty else { return }
    isAppending = true
    journal.append(batch) { [batch, events] in events.put(.appended(batch, $0)) }
  }

  /// Takes note of what ended.
  func settle() -> String? {
    for event in events.take() {
      switch event {
      case .appended(let batch, let result):
        isAppending = false
        if let problem = appended(batch, result) { return problem }
      case .read(let workspace, let result):
        if let problem = read(workspace, result) { return problem }
      }
    }
    return nil
  }

  private func appended(_ batch: JournalBatch, _ result: Result<JournalCommit, JournalError>) -> String? {
    guard case .success(let commit) = result else { return nil }
    for (workspace, part) in batch.parts {
      switch commit.refused[workspace] {
      case nil:
        known[workspace, default: []] += part.records
        waiting[workspace]?.removeFirst(part.records.count)
        own.formUnion(part.records.map(\.number))
      case .conflict(workspace, expected: part.expected, actual: shared.stream(workspace).last)?:
        conflicts += 1
        behind[workspace] = shared.stream(workspace).last
        catchUp(workspace)
      case let error?: return "unexpected: \(error)"
      }
    }
    return nil
  }

  private func catchUp(_ workspace: WorkspaceID) {
    let start = end(of: workspace)
    guard let replay = try? journal.replay(workspace, after: start) else { return }
    replay.read(after: start, limit: 3, bytesMax: .max) { [events] in events.put(.read(workspace, $0)) }
  }

  private func read(_ workspace: WorkspaceID, _ result: Result<[JournalRecord], JournalError>) -> String? {
    if case .success(let records) = result {
      if records.first?.offset != end(of: workspace) + 1 { return "after \(end(of: workspace)) came \(records)" }
      known[workspace, default: []] += records
    }
    if let target = behind[workspace], end(of: workspace) >= target {
      behind[workspace] = nil
    } else {
      catchUp(workspace)
    }
    return nil
  }
}

extension JournalRecord {
  fileprivate static func number(_ number: Int, at offset: JournalOffset) -> JournalRecord {
    JournalRecord(offset: offset, time: 0, event: "agent", data: ByteBuffer(string: "\(number)"))
  }

  fileprivate var number: Int { Int(String(buffer: data))! }
}

extension WorkspaceID {
  fileprivate static let a = WorkspaceID("a")!
  fileprivate static let b = WorkspaceID("b")!
}
