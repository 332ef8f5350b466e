import CasebusProtocol
import DequeModule
import struct NIOCore.ByteBuffer

/// One workspace in memory: its newest records, its receipts, and its consumers' positions.
struct MemoryStream {
  private(set) var records: Deque<JournalRecord> = []
  private(set) var deadline: Int64?
  private let epoch = String(UInt64.random(in: .min ... .max), radix: 36)
  private(set) var last: JournalOffset = 0
  private var snapshot: JournalSnapshot?
  private var receipts: Deque<JournalReceipt> = []
  /// The memory of the records, in bytes.
  private var bytes = 0
  /// The number of kept receipts is fixed, because a retry comes soon or never.
  private static var receiptsMax: Int { 256 }

  /// The limits.
  struct Room {
    var records: Int
    var bytes: Int
  }

  /// The offset of the oldest kept record; without records that of the next one.
  var first: JournalOffset { records.first?.offset ?? last + 1 }

  /// The stream; outside of tests nobody loads a state from it, because the process still has the state.
  var content: JournalStream {
    JournalStream(
      epoch: epoch, last: last, snapshot: snapshot,
      records: records.filter { $0.offset > snapshot?.offset ?? 0 }, receipts: Array(receipts))
  }

  func backlog(of workspace: WorkspaceID, after position: JournalOffset, _ parked: [ParkedRecord]) -> JournalBacklog {
    JournalBacklog(
      workspace: workspace, position: max(position, first - 1), last: last, first: first, parked: parked)
  }

  /// - Returns: the sum of ``JournalRecord/storedBytes``.
  mutating func append(_ part: JournalPart, keeping room: Room) -> Int {
    records.append(contentsOf: part.records)
    var storedBytes = 0
    for record in part.records {
      bytes += record.memoryBytes
      storedBytes += record.storedBytes
    }
    while records.count > 1, records.count > room.records || bytes > room.bytes {
      bytes -= records.removeFirst().memoryBytes
    }
    last += JournalOffset(part.records.count)
    snapshot = part.snapshot ?? snapshot
    receipts.append(contentsOf: part.receipts)
    receipts.removeFirst(max(0, receipts.count - Self.receiptsMax))
    deadline = part.deadline
    return storedBytes
  }
}

/// The records at the start of the replay.
struct MemoryReplay: JournalReplay {
  let records: Deque<JournalRecord>

  func read(
    after offset: JournalOffset, limit: Int, bytesMax: Int,
    completion: @escaping @Sendable (Result<[JournalRecord], JournalError>) -> Void
  ) {
    let start = records.first.map { Int(offset + 1 - min($0.offset, offset + 1)) } ?? 0
    var bytes = 0
    let page = records.dropFirst(start).prefix(limit).prefix { record in
      defer { bytes += record.data.readableBytes }
      return bytes < bytesMax
    }
    completion(.success(Array(page)))
  }
}
