import CasebusProtocol
import struct NIOCore.ByteBuffer

/// The blocks of a workspace, indexed by interaction, blocker and deadline, so that no look-up searches.
struct MarkdoneBlocks: Sendable {
  /// The blocks of each interaction, the newest last: at most ``WorkspaceRules/blocksPerInteractionMax``.
  private var byInteraction: [Identifier: [Placed]] = [:]
  private var interactionsByBlocker: [Blocker: Set<Identifier>] = [:]
  private var deadlines = DeadlineQueue<Key>()
  private var placedCount: UInt64 = 0
  /// Their size, as JSON.
  private(set) var byteCount = 0

  private struct Key: Hashable, Sendable {
    var interactionID: Identifier
    var blocker: Blocker
  }

  /// A block and its sequence number.
  private struct Placed: Sendable {
    var number: UInt64
    var block: MarkdoneBlock
  }

  init() {}

  /// All of them, the newest last.
  var all: [MarkdoneBlock] { Self.inOrder(byInteraction.values.joined()) }

  var nextDeadline: Timestamp? { deadlines.first }

  /// The blocks of an interaction, the newest last.
  func on(_ interactionID: Identifier) -> some BidirectionalCollection<MarkdoneBlock> {
    (byInteraction[interactionID] ?? []).lazy.map(\.block)
  }

  func block(of blocker: Blocker, on interactionID: Identifier) -> MarkdoneBlock? {
    placed(Key(interactionID: interactionID, blocker: blocker))?.block
  }

  func hasBlocks(of blocker: Blocker) -> Bool { interactionsByBlocker[blocker] != nil }

  /// The blocks of a blocker, the newest last.
  func of(_ blocker: Blocker) -> [MarkdoneBlock] {
    Self.inOrder(
      (interactionsByBlocker[blocker] ?? []).compactMap { placed(Key(interactionID: $0, blocker: blocker)) })
  }

  /// The blocks whose deadline is not after a moment, the newest last.
  func expired(at moment: Timestamp) -> [MarkdoneBlock] {
    Self.inOrder(deadlines.keys(through: moment).compactMap(placed))
  }

  private func placed(_ key: Key) -> Placed? {
    byInteraction[key.interactionID]?.first { $0.block.blocker == key.blocker }
  }

  private static func inOrder(_ blocks: some Sequence<Placed>) -> [MarkdoneBlock] {
    blocks.sorted { $0.number < $1.number }.map(\.block)
  }
}

extension MarkdoneBlocks {
  mutating func evolve(_ event: MarkdoneEvent) {
    switch event.kind {
    case .blocked(let block, _): place(block)
    case .unblocked(let blocker), .blockExpired(let blocker): remove(of: blocker, on: event.interactionID)
    case .refused, .done: break
    }
  }

  /// Limits all deadlines to `latest`.
  mutating func limitDeadlines(to latest: Timestamp) {
    let blocks = all
    guard blocks.contains(where: { $0.deadline > latest }) else { return }
    self = MarkdoneBlocks()
    for var block in blocks {
      block.deadline = min(block.deadline, latest)
      place(block)
    }
  }

  /// Adds a block as the newest one. It replaces an earlier block of the same blocker.
  private mutating func place(_ block: MarkdoneBlock) {
    remove(of: block.blocker, on: block.interactionID)
    placedCount += 1
    byteCount += block.byteCount
    byInteraction[block.interactionID, default: []].append(Placed(number: placedCount, block: block))
    interactionsByBlocker[block.blocker, default: []].insert(block.interactionID)
    deadlines.set(block.deadline, for: Key(interactionID: block.interactionID, blocker: block.blocker))
  }

  /// No effect if there is none.
  private mutating func remove(of blocker: Blocker, on interactionID: Identifier) {
    guard let block = block(of: blocker, on: interactionID) else { return }
    byteCount -= block.byteCount
    byInteraction[interactionID]?.removeAll { $0.block.blocker == blocker }
    if byInteraction[interactionID]?.isEmpty == true { byInteraction[interactionID] = nil }
    forget(Key(interactionID: interactionID, blocker: blocker))
  }

  /// The interaction was removed.
  mutating func removeAll(on interactionID: Identifier) {
    for placed in byInteraction.removeValue(forKey: interactionID) ?? [] {
      byteCount -= placed.block.byteCount
      forget(Key(interactionID: interactionID, blocker: placed.block.blocker))
    }
  }

  private mutating func forget(_ key: Key) {
    interactionsByBlocker[key.blocker]?.remove(key.interactionID)
    if interactionsByBlocker[key.blocker]?.isEmpty == true { interactionsByBlocker[key.blocker] = nil }
    deadlines.remove(key)
  }
}

// MARK: - Snapshot

extension MarkdoneBlocks {
  func writeSnapshotMembers(into buffer: inout ByteBuffer) {
    buffer.writeJSONMember("blocks") { $0.writeJSONArray(all) { $1.writeSnapshot(into: &$0) } }
  }

  init(snapshot: JSONValue) throws(ReplayError) {
    for value in snapshot["blocks"]?.arrayValue ?? [] { place(try MarkdoneBlock(snapshot: value)) }
  }
}

extension MarkdoneBlocks: Hashable {
  static func == (left: MarkdoneBlocks, right: MarkdoneBlocks) -> Bool { left.all == right.all }

  func hash(into hasher: inout Hasher) { hasher.combine(all) }
}
