import CasebusJournal
import CasebusWorkspace
import DequeModule

/// The answers of a workspace that a message sent again is to get again (Protocol §5.5).
struct ReceiptBook {
  private let windowMilliseconds: Int64
  private let countMax: Int
  private var receipts: [String: JournalReceipt] = [:]
  /// In the order in which they were given; the newest ``undurable`` ones may have to be taken back.
  private var order: Deque<JournalReceipt> = []
  private var undurable = 0

  init(_ configuration: BrokerConfiguration) {
    windowMilliseconds = Int64(configuration.messageIDWindowSeconds) * 1000
    countMax = configuration.messageIDsPerWorkspaceMax
  }

  /// The answer that a message was given not too long ago.
  func receipt(of messageID: String, at now: Timestamp) -> JournalReceipt? {
    guard let receipt = receipts[messageID], !isOver(receipt, at: now) else { return nil }
    return receipt
  }

  /// Remembers an answer that is not durable yet.
  mutating func add(_ receipt: JournalReceipt, at now: Timestamp) {
    while order.count > undurable, let oldest = order.first, isOver(oldest, at: now) || order.count >= countMax {
      forget(order.removeFirst())
    }
    restore(receipt)
    undurable += 1
  }

  /// Remembers an answer that the journal brought back.
  mutating func restore(_ receipt: JournalReceipt) {
    receipts[receipt.messageID] = receipt
    order.append(receipt)
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

  private mutating func forget(_ receipt: JournalReceipt) {
    // The same id may have been used again since.
    if receipts[receipt.messageID] == receipt { receipts[receipt.messageID] = nil }
  }

  private func isOver(_ receipt: JournalReceipt, at now: Timestamp) -> Bool {
    now.milliseconds(since: Timestamp(milliseconds: receipt.time)) > windowMilliseconds
  }
}
