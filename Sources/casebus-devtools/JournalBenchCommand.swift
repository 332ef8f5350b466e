import ArgumentParser
import CasebusConsole
import CasebusJournal
import CasebusProtocol
import CasebusServer
import CasebusSQLite
import FoundationEssentials
import Logging
import NIOCore
import Synchronization

/// Measures the storage alone, for Docs/reference/performance.md.
struct JournalBenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "journal-bench", abstract: "Measures what the journal does on this disk.",
    discussion: """
      EXAMPLE:
        casebus-devtools journal-bench --data ./bench-data --seconds 3
      """)

  @Option(help: "A directory to write into; it must not exist yet, and is left there.")
  var data: String

  @Option(help: "How long each measurement of writing takes, 0.001 to 86400.0 seconds.")
  var seconds = 3.0

  @Option(help: "The bytes of one record's data, 8 to 1048576.")
  var recordBytes = 300

  func validate() throws {
    try checkRange("--seconds", seconds, 0.001...86_400)
    try checkRange("--record-bytes", recordBytes, 8...1_048_576)
  }

  func run() async throws {
    guard !FileManager.default.fileExists(atPath: data) else { throw ValidationError("--data \(data) exists already") }
    for durability in [SQLiteJournalConfiguration.Durability.full, .normal] {
      try await measureWriting(durability)
    }
    try await measureWritingWhilePruning()
    try await measureLoading()
    try await measureReplay()
  }

  private func open(
    _ name: String, _ durability: SQLiteJournalConfiguration.Durability,
    _ configure: (inout SQLiteJournalConfiguration) -> Void = { _ in }
  ) throws -> SQLiteJournal {
    try? FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    var configuration = SQLiteJournalConfiguration(directory: "\(data)/\(name)")
    configuration.durability = durability
    configure(&configuration)
    let clock = BrokerClock()
    return try SQLiteJournal(configuration, logger: Logger(label: "casebus")) { clock.milliseconds }
  }

  // MARK: - Writing

  private func measureWriting(_ durability: SQLiteJournalConfiguration.Durability) async throws {
    for (workspaces, size, inFlight) in [
      (1, 1, 1), (1, 16, 1), (1, 64, 1), (1, 256, 1), (1, 64, 4), (100, 64, 1), (100, 256, 1), (100, 256, 8),
      (100, 2048, 2),
    ] {
      let journal = try open("\(durability.rawValue)-\(workspaces)-\(size)-\(inFlight)", durability)
      let load = Load(journal, workspaces: workspaces, size: size, recordBytes: recordBytes)
      try await measure(
        load, inFlight: inFlight, "durability=\(durability.rawValue) workspaces=\(workspaces) batch=\(size)")
      journal.shutDown()
    }
  }

  /// All but the newest 1,000 records are deleted while others are written.
  private func measureWritingWhilePruning() async throws {
    let journal = try open("pruning", .full) {
      $0.retentionEventsPerWorkspaceMax = 1000
      $0.pruneIntervalSeconds = 1
    }
    let load = Load(journal, workspaces: 1, size: 64, recordBytes: recordBytes, batchesPerSnapshot: 50)
    try await measure(load, inFlight: 1, "pruning durability=full workspaces=1 batch=64")
    journal.shutDown()
  }

  private func measure(_ load: Load, inFlight: Int, _ name: String) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    try await load.run(inFlight: inFlight, until: start.advanced(by: .seconds(seconds)))
    let time = (clock.now - start) / .seconds(1)
    try printLine(
      "\(name) inFlight=\(inFlight) records/s=\(Int(Double(load.records) / time)) "
        + "batches/s=\(Int(Double(load.batches) / time)) p50=\(load.latency(0.5)) p99=\(load.latency(0.99)) "
        + "max=\(load.latency(1))")
  }

  // MARK: - Reading

  private func measureLoading() async throws {
    var journal = try open("load", .normal)
    let load = Load(journal, workspaces: 1000, size: 1000, recordBytes: recordBytes)
    try await load.append(batches: 100)
    journal.shutDown()
    let clock = ContinuousClock()
    let start = clock.now
    journal = try open("load", .full)
    let opened = clock.now
    let records = try await withThrowingTaskGroup(of: Int.self) { group in
      for workspace in load.workspaces { group.addTask { [journal] in try await journal.records(of: workspace) } }
      return try await group.reduce(0, +)
    }
    try printLine("start file=\(opened - start) open of 1000 workspaces, \(records) records: \(clock.now - opened)")
    journal.shutDown()
  }

  private func measureReplay() async throws {
    let journal = try open("replay", .normal)
    let load = Load(journal, workspaces: 1, size: 1000, recordBytes: recordBytes)
    try await load.append(batches: 100)
    let clock = ContinuousClock()
    for page in [64, 256, 1024] {
      let start = clock.now
      let replay = try journal.replay(load.workspaces[0], after: 0)
      var last: JournalOffset = 0
      while true {
        let records = try await replay.page(after: last, limit: page)
        guard let end = records.last?.offset else { break }
        last = end
      }
      try printLine("replay page=\(page) records/s=\(Int(Double(last) / ((clock.now - start) / .seconds(1))))")
    }
    journal.shutDown()
  }
}

/// Appends batches as fast as the journal commits them.
private final class Load {
  let workspaces: [WorkspaceID]
  private(set) var records = 0
  private(set) var batches = 0
  private let batchesPerSnapshot: Int
  private let journal: SQLiteJournal
  private let size: Int
  private let data: ByteBuffer
  private var last: [JournalOffset]
  private var next = 0
  private let latencies = Latencies()

  init(_ journal: SQLiteJournal, workspaces: Int, size: Int, recordBytes: Int, batchesPerSnapshot: Int = .max) {
    self.batchesPerSnapshot = batchesPerSnapshot
    self.journal = journal
    self.size = size
    self.workspaces = (0..<workspaces).map { WorkspaceID("w\($0)")! }
    last = Array(repeating: 0, count: workspaces)
    data = ByteBuffer(string: "{\"n\":\"\(String(repeating: "x", count: recordBytes - 8))\"}")
  }

  /// Each chain has one batch in flight.
  func run(inFlight: Int, until end: ContinuousClock.Instant) async throws {
    var running: [Task<Void, any Error>] = []
    while ContinuousClock.now < end {
      if running.count >= inFlight { try await running.removeFirst().value }
      running.append(send())
    }
    for batch in running { try await batch.value }
  }

  func append(batches: Int) async throws {
    for _ in 0..<batches { try await send().value }
  }

  func latency(_ quantile: Double) -> String {
    let sorted = latencies.all.withLock { $0.sorted() }
    let latency = sorted[min(sorted.count - 1, Int(Double(sorted.count) * quantile))]
    return "\(Int(latency / .microseconds(1)))us"
  }

  /// The batches of one caller follow each other; a new one may be made before the last one is committed.
  private func send() -> Task<Void, any Error> {
    var batch = JournalBatch()
    for _ in 0..<size {
      let index = next % workspaces.count
      next += 1
      let offset = last[index] + 1
      batch.parts[workspaces[index], default: JournalPart(expected: last[index])].records.append(
        JournalRecord(offset: offset, time: 1_700_000_000_000, event: "interaction", data: data))
      last[index] = offset
    }
    records += size
    batches += 1
    if batches % batchesPerSnapshot == 0 {
      for (workspace, index) in zip(workspaces, last.indices) {
        batch.parts[workspace]?.snapshot = JournalSnapshot(offset: last[index], state: data)
      }
    }
    let start = ContinuousClock.now
    let stream = AsyncThrowingStream<Void, any Error> { continuation in
      journal.append(batch) { result in
        if case .failure(let error) = result { return continuation.finish(throwing: error) }
        continuation.finish()
      }
    }
    return Task { [latencies] in
      for try await _ in stream {}
      latencies.all.withLock { $0.append(ContinuousClock.now - start) }
    }
  }
}

private final class Latencies: Sendable {
  let all = Mutex<[Duration]>([])
}

extension EventJournal {
  fileprivate func records(of workspace: WorkspaceID) async throws -> Int {
    try await withCheckedThrowingContinuation { continuation in
      open(workspace) { continuation.resume(with: $0.map(\.records.count).mapError { $0 as any Error }) }
    }
  }
}

extension JournalReplay {
  fileprivate func page(after offset: JournalOffset, limit: Int) async throws -> [JournalRecord] {
    try await withCheckedThrowingContinuation { continuation in
      read(after: offset, limit: limit, bytesMax: .max) {
        continuation.resume(with: $0.mapError { $0 as any Error })
      }
    }
  }
}
