public import CasebusProtocol
public import struct NIOCore.ByteBuffer

/// The position of a record in its workspace's stream. The first record has 1; 0 is before all of them.
public typealias JournalOffset = UInt64

/// What becomes durable together.
public struct JournalBatch: Hashable, Sendable {
  public var parts: [WorkspaceID: JournalPart]
  /// Durable consumers that are made or deleted, before the parts count.
  public var consumerChanges: [JournalConsumer.Change]

  public init(parts: [WorkspaceID: JournalPart] = [:], consumerChanges: [JournalConsumer.Change] = []) {
    self.parts = parts
    self.consumerChanges = consumerChanges
  }

  public var isEmpty: Bool { parts.isEmpty && consumerChanges.isEmpty }
}

/// What became of a batch: its parts are durable, but for those that were refused.
public struct JournalCommit: Hashable, Sendable {
  /// Why parts were not taken; nothing of them was written.
  public var refused: [WorkspaceID: JournalError]

  public init(refused: [WorkspaceID: JournalError] = [:]) {
    self.refused = refused
  }
}

/// One workspace's part of a batch.
public struct JournalPart: Hashable, Sendable {
  /// The offset that the stream is expected to stand at.
  public var expected: JournalOffset
  /// Numbered from `expected + 1`.
  public var records: [JournalRecord] = []
  /// Answers that a retry is to get again.
  public var receipts: [JournalReceipt] = []
  /// How far durable consumers are now; the newest one of a consumer counts.
  public var positions: [JournalPosition] = []
  /// Replaces the workspace's snapshot.
  public var snapshot: JournalSnapshot?
  /// When something is due in the workspace, once these records are in, milliseconds since 1970; nil for never.
  public var deadline: Int64?

  public init(expected: JournalOffset) {
    self.expected = expected
  }
}

/// One workspace event as it is kept.
public struct JournalRecord: Hashable, Sendable {
  public var offset: JournalOffset
  /// When it was decided, milliseconds since 1970.
  public var time: Int64
  /// The event name under which clients get it.
  public var event: String
  /// The `data` of the envelope, as JSON.
  public var data: ByteBuffer
  /// What the state needs beyond `data` and clients never see, as a JSON object; empty if nothing.
  public var detail: ByteBuffer

  public init(offset: JournalOffset, time: Int64, event: String, data: ByteBuffer, detail: ByteBuffer = ByteBuffer()) {
    self.offset = offset
    self.time = time
    self.event = event
    self.data = data
    self.detail = detail
  }
}

extension JournalRecord {
  /// What counts where records are kept up to a number of bytes: the event's name, its data and its detail.
  public var storedBytes: Int { event.utf8.count + data.readableBytes + detail.readableBytes }
}

/// The answer that a message was given, under the `messageId` that its sender chose.
public struct JournalReceipt: Hashable, Sendable {
  public var messageID: Identifier
  /// When it was decided, milliseconds since 1970.
  public var time: Int64
  /// Where the workspace stood after it.
  public var offset: JournalOffset
  /// What was wrong; nil for a success.
  public var failure: Failure?

  public init(messageID: Identifier, time: Int64, offset: JournalOffset, failure: Failure?) {
    self.messageID = messageID
    self.time = time
    self.offset = offset
    self.failure = failure
  }
}

/// A workspace's state after the event with this offset.
public struct JournalSnapshot: Hashable, Sendable {
  public var offset: JournalOffset
  /// The state, as JSON.
  public var state: ByteBuffer
  /// Whether the state is that of a workspace that never was, so that the workspace can be forgotten when its events are.
  public var isEmpty: Bool

  public init(offset: JournalOffset, state: ByteBuffer, isEmpty: Bool = false) {
    self.offset = offset
    self.state = state
    self.isEmpty = isEmpty
  }
}
