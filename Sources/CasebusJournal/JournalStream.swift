/// Where a workspace stands, and what its state is made from: the snapshot, then the records after it.
package struct JournalStream: Hashable, Sendable {
  /// Names this numbering; another epoch means that the stream was lost and begun anew.
  package var epoch: String
  /// The offset of the newest record; 0 if there never was one.
  package var last: JournalOffset
  package var snapshot: JournalSnapshot?
  /// The records after the snapshot, or all of them.
  package var records: [JournalRecord]
  /// The oldest first; perhaps older ones among them than the window in which a retry counts.
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
