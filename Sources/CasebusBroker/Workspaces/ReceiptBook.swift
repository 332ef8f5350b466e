import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule

/// The answers of a workspace that a message sent again is to get again (Protocol §5.5).
struct ReceiptBook {
  private let windowMilliseconds: Int64
  private let countMax: Int
  private let bytesMax: Int
  private var receipts: [Identifier: JournalReceipt] = [:]
  /// In the order in which they were given; the newest ``undurable`` ones may have to be taken back.
  private var order: Deque<JournalReceipt> = []
  private var undurable = 0
  private var bytes = 0

  init(_ configuration: BrokerConfiguration) {
    windowMilliseconds = Int64(configuration.messageIDWindowSeconds) * 1000
    countMax = configuration.messageIDsPerWorkspaceMax
    bytesMax = configuration.messageIDBytesPerWorkspaceMax
  }

  /// The answer that a message was given not too long ago.
  func receipt(of messageID: Identifier, at now: Timestamp) -> JournalReceipt? {
    guard let receipt = receipts[messageID], !isOver(receipt, at: now) else { return nil }
    return receipt
  }

  /// Remembers an answer that is not durable yet.
  mutating func add(_ receipt: JournalReceipt, at now: Timestamp) {
    while order.count > undurable, let oldest = order.first, isOver(oldest, at: now) { forget(order.removeFirst()) }
    insert(receipt)
    undurable += 1
  }

  /// Remembers an answer that the journal brought back. The clock may have been set back since it was given: it is
  /// remembered no longer than one that is given now.
  mutating func restore(_ receipt: JournalReceipt, at now: Timestamp) {
    var receipt = receipt
    receipt.time = min(receipt.time, now.milliseconds)
    insert(receipt)
  }

  private mutating func insert(_ receipt: JournalReceipt) {
    receipts[receipt.messageID] = receipt
    order.append(receipt)
    bytes += receipt.bytes
    // The newest stays in any case, and what may have to be taken back.
    while order.count > undurable + 1, order.count > countMax || bytes > bytesMax { forget(order.removeFirst()) }
  }

  /// The oldest so many of those that were not durable are now.
  mutating func committed(_ count: Int) {
    undurable -= count
  }

  /// What was not durable never was.
  mutating func rollBack() {
    for _ in 0..<undurable { forget(order.removeLast()) }
    undurable = 0
  }

  /// What it forgets is no longer in ``order``.
  private mutating func forget(_ receipt: JournalReceipt) {
    bytes -= receipt.bytes
    // The same id may have been used again since.
    if receipts[receipt.messageID] == receipt { receipts[receipt.messageID] = nil }
  }

  private func isOver(_ receipt: JournalReceipt, at now: Timestamp) -> Bool {
    now.milliseconds(since: Timestamp(milliseconds: receipt.time)) > windowMilliseconds
  }
}

extension JournalReceipt {
  /// What it holds in memory, about: its texts, and the places in both collections.
  fileprivate var bytes: Int { messageID.text.utf8.count + (failure?.message.utf8.count ?? 0) + 192 }
}
