package import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// The position of a record in its workspace's stream. The first record has 1; 0 is before all of them.
package typealias JournalOffset = UInt64

/// What becomes durable together.
package struct JournalBatch: Hashable, Sendable {
  package var parts: [WorkspaceID: JournalPart]
  /// Durable consumers that are made or deleted, before the parts count.
  package var consumerChanges: [JournalConsumer.Change]

  package init(parts: [WorkspaceID: JournalPart] = [:], consumerChanges: [JournalConsumer.Change] = []) {
    self.parts = parts
    self.consumerChanges = consumerChanges
  }

  package var isEmpty: Bool { parts.isEmpty && consumerChanges.isEmpty }
}

/// What became of a batch: its parts are durable, but for those that were refused.
package struct JournalCommit: Hashable, Sendable {
  /// Why parts were not taken; nothing of them was written.
  package var refused: [WorkspaceID: JournalError]

  package init(refused: [WorkspaceID: JournalError] = [:]) {
    self.refused = refused
  }
}

/// One workspace's part of a batch.
package struct JournalPart: Hashable, Sendable {
  /// The offset that the stream is expected to stand at.
  package var expected: JournalOffset
  /// Numbered from `expected + 1`.
  package var records: [JournalRecord] = []
  /// Answers that a retry is to get again.
  package var receipts: [JournalReceipt] = []
  /// How far durable consumers are now; the newest one of a consumer counts.
  package var positions: [JournalPosition] = []
  /// Replaces the workspace's snapshot.
  package var snapshot: JournalSnapshot?
  /// When something is due in the workspace, once these records are in, milliseconds since 1970; nil for never.
  package var deadline: Int64?

  package init(expected: JournalOffset) {
    self.expected = expected
  }
}

/// One workspace event as it is kept.
package struct JournalRecord: Hashable, Sendable {
  package var offset: JournalOffset
  /// When it was decided, milliseconds since 1970.
  package var time: Int64
  /// The event name under which clients get it.
  package var event: String
  /// What a replay knows the event by: a short text of a closed set. Empty in records that an older version wrote.
  package var kind: String
  /// The `data` of the envelope, as JSON.
  package var data: ByteBuffer
  /// What the state needs beyond `data` and clients never see, as a JSON object; empty if nothing.
  package var detail: ByteBuffer

  package init(
    offset: JournalOffset, time: Int64, event: String, kind: String = "", data: ByteBuffer,
    detail: ByteBuffer = ByteBuffer()
  ) {
    self.offset = offset
    self.time = time
    self.event = event
    self.kind = kind
    self.data = data
    self.detail = detail
  }
}

extension JournalRecord {
  /// What counts where records are kept up to a number of bytes: the event's name, its data and its detail. Not its
  /// kind, which is short and which older records do not have.
  package var storedBytes: Int { event.utf8.count + data.readableBytes + detail.readableBytes }
}

/// The answer that a message was given, under the `messageId` that its sender chose.
package struct JournalReceipt: Hashable, Sendable {
  package var messageID: Identifier
  /// When it was decided, milliseconds since 1970.
  package var time: Int64
  /// Where the workspace stood after it.
  package var offset: JournalOffset
  /// What was wrong; nil for a success.
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
  /// Whether the state is that of a workspace that never was, so that the workspace can be forgotten when its events are.
  package var isEmpty: Bool

  package init(offset: JournalOffset, state: ByteBuffer, isEmpty: Bool = false) {
    self.offset = offset
    self.state = state
    self.isEmpty = isEmpty
  }
}
