package import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// The position of a record in its workspace's stream. The first record has 1; 0 is before all of them.
package typealias JournalOffset = UInt64

/// The parts and consumer changes of one commit.
package struct JournalBatch: Hashable, Sendable {
  package var parts: [WorkspaceID: JournalPart]
  /// Durable consumers that are created or deleted, before the parts are applied.
  package var consumerChanges: [JournalConsumer.Change]

  package init(parts: [WorkspaceID: JournalPart] = [:], consumerChanges: [JournalConsumer.Change] = []) {
    self.parts = parts
    self.consumerChanges = consumerChanges
  }

  package var isEmpty: Bool { parts.isEmpty && consumerChanges.isEmpty }
}

/// The result of a committed batch: all parts are durable, except the refused ones.
package struct JournalCommit: Hashable, Sendable {
  /// Why parts were refused; nothing of them was written. Empty if none was refused.
  package var refused: [WorkspaceID: JournalError]

  package init(refused: [WorkspaceID: JournalError] = [:]) {
    self.refused = refused
  }
}

/// One workspace's part of a batch.
package struct JournalPart: Hashable, Sendable {
  /// The expected current offset of the stream.
  package var expected: JournalOffset
  /// Numbered from `expected + 1`.
  package var records: [JournalRecord] = []
  /// Answers for repeated messages.
  package var receipts: [JournalReceipt] = []
  /// The new positions of durable consumers; the last one of a consumer counts.
  package var positions: [JournalPosition] = []
  /// Replaces the workspace's snapshot.
  package var snapshot: JournalSnapshot?
  /// The next deadline of the workspace after these records, milliseconds since 1970; nil for none.
  package var deadline: Int64?

  package init(expected: JournalOffset) {
    self.expected = expected
  }
}

/// One stored workspace event.
package struct JournalRecord: Hashable, Sendable {
  package var offset: JournalOffset
  /// When it was decided, milliseconds since 1970.
  package var time: Int64
  /// The event name.
  package var event: String
  /// The kind of the event for a replay: a short text of a closed set. Empty in records of older versions.
  package var kind: String
  /// The `data` of the envelope, as JSON.
  package var data: ByteBuffer
  /// nil if it is empty, which needs no reference count: all empty buffers share one count, and the threads of the loop
  /// and the writer would contend for it with each copy.
  private var detailIfAny: ByteBuffer?

  package init(
    offset: JournalOffset, time: Int64, event: String, kind: String = "", data: ByteBuffer,
    detail: ByteBuffer = ByteBuffer()
  ) {
    self.offset = offset
    self.time = time
    self.event = event
    self.kind = kind
    self.data = data
    detailIfAny = detail.readableBytes > 0 ? detail : nil
  }

  /// What the state needs beyond `data` and clients never see, as a JSON object; empty if nothing.
  package var detail: ByteBuffer {
    get { detailIfAny ?? ByteBuffer() }
    set { detailIfAny = newValue.readableBytes > 0 ? newValue : nil }
  }
}

extension JournalRecord {
  /// The size for retention by bytes: the event's name, its data and its detail. Without its kind, which is short and
  /// which older records do not have.
  package var storedBytes: Int { event.utf8.count + data.readableBytes + (detailIfAny?.readableBytes ?? 0) }

  /// Passes the three texts of a record without a copy: the event's name, the data and the detail.
  package static func withTexts(
    of record: UnsafePointer<JournalRecord>,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var event = record.pointee.event
    try event.withUTF8 { event in
      try record.pointee.data.withUnsafeReadableBytes { data in
        guard record.pointee.detailIfAny != nil else {
          return try body(UnsafeRawBufferPointer(event), data, UnsafeRawBufferPointer(start: nil, count: 0))
        }
        try record.pointee.detail.withUnsafeReadableBytes { try body(UnsafeRawBufferPointer(event), data, $0) }
      }
    }
  }

  /// About how much memory it takes: buffers are larger than their content.
  package var memoryBytes: Int {
    MemoryLayout<Self>.stride + data.storageCapacity + (detailIfAny?.storageCapacity ?? 0)
  }
}

/// The answer to a message with a `messageId`.
package struct JournalReceipt: Hashable, Sendable {
  package var messageID: Identifier
  /// When it was decided, milliseconds since 1970.
  package var time: Int64
  /// The offset of the workspace after it.
  package var offset: JournalOffset
  /// The failure; nil for a success.
  package var failure: Failure?

  package init(messageID: Identifier, time: Int64, offset: JournalOffset, failure: Failure?) {
    self.messageID = messageID
    self.time = time
    self.offset = offset
    self.failure = failure
  }
}

/// A workspace's state after the event with this offset.
package struct JournalSnapshot: Hashable, Sendable {
  package var offset: JournalOffset
  /// The state, as JSON.
  package var state: ByteBuffer
  /// Whether the state is that of an unused workspace, so that the workspace can be forgotten with its events.
  package var isEmpty: Bool

  package init(offset: JournalOffset, state: ByteBuffer, isEmpty: Bool = false) {
    self.offset = offset
    self.state = state
    self.isEmpty = isEmpty
  }
}
