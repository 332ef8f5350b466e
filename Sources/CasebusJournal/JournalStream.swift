/// The offset of a workspace, and the source of its state: the snapshot, then the records after it.
package struct JournalStream: Hashable, Sendable {
  /// The name of the numbering; another epoch means that the stream was lost and has begun again.
  package var epoch: String
  /// The offset of the newest record; 0 if there never was one.
  package var last: JournalOffset
  package var snapshot: JournalSnapshot?
  /// The records after the snapshot, or all of them.
  package var records: [JournalRecord]
  /// The oldest first; can include some older than the window for retries.
  package var receipts: [JournalReceipt]

  package init(
    epoch: String, last: JournalOffset = 0, snapshot: JournalSnapshot? = nil, records: [JournalRecord] = [],
    receipts: [JournalReceipt] = []
  ) {
    self.epoch = epoch
    self.last = last
    self.snapshot = snapshot
    self.records = records
    self.receipts = receipts
  }
}
