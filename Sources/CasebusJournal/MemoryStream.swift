import CasebusProtocol
import DequeModule
import struct NIOCore.ByteBuffer

/// One workspace in memory: the kept end of its records, and what is remembered beside them.
struct MemoryStream {
  private(set) var records: Deque<JournalRecord> = []
  private(set) var deadline: Int64?
  private let epoch = String(UInt64.random(in: .min ... .max), radix: 36)
  private(set) var last: JournalOffset = 0
  private var snapshot: JournalSnapshot?
  private var receipts: Deque<JournalReceipt> = []
  /// What the records hold in memory.
  private var bytes = 0
  /// A retry comes soon or never.
  private static var receiptsMax: Int { 256 }

  /// How much is kept.
  struct Room {
    var records: Int
    var bytes: Int
  }

  /// The offset of the oldest record that is kept; the next one's if none is.
  var first: JournalOffset { records.first?.offset ?? last + 1 }

  /// What is kept; the state of a process that is still there is made from it only in tests.
  var content: JournalStream {
    JournalStream(
      epoch: epoch, last: last, snapshot: snapshot,
      records: records.filter { $0.offset > snapshot?.offset ?? 0 }, receipts: Array(receipts))
  }

  func backlog(of workspace: WorkspaceID, after position: JournalOffset, _ parked: [ParkedRecord]) -> JournalBacklog {
    JournalBacklog(
      workspace: workspace, position: max(position, first - 1), last: last, first: first, parked: parked)
  }

  /// - Returns: how many bytes the records have (``JournalRecord/storedBytes``).
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

/// The records that were there when the replay began.
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
