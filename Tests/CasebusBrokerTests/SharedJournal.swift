import CasebusJournal
import CasebusProtocol
import Synchronization

/// The streams behind one or several ``SimulatedJournal``, each of which belongs to one broker.
///
/// A batch counts when the test lets the journal of its broker commit it. If another broker was first in a workspace,
/// that part is refused as a conflict.
final class SharedJournal: Sendable {
  private let state = Mutex(State())
  /// The same records once more, never pruned: a real journal keeps the consumers, their positions and the deadlines.
  let consumers = MemoryJournal(recordsPerWorkspaceMax: .max, bytesPerWorkspaceMax: .max)

  static let epoch = "sim"

  struct Stream {
    var all: [JournalRecord] = []
    /// The offset of the oldest record that is kept.
    var first: JournalOffset = 1
    var snapshot: JournalSnapshot?
    var receipts: [JournalReceipt] = []
    var last: JournalOffset { JournalOffset(all.count) }
  }

  private struct State {
    var streams: [WorkspaceID: Stream] = [:]
    /// What follows these offsets is kept.
    var holds: [Int: (WorkspaceID, JournalOffset)] = [:]
    var holdsMade = 0
    var conflicts = 0
  }

  /// How often a part was refused because another broker was first.
  var conflicts: Int { state.withLock(\.conflicts) }

  func stream(_ workspace: WorkspaceID) -> Stream { state.withLock { $0.streams[workspace] ?? Stream() } }

  // MARK: - Committing

  /// Commits what can be taken.
  /// - Parameter refused: a workspace whose part is refused as if its storage failed.
  func commit(_ batch: JournalBatch, refusing refused: WorkspaceID? = nil) -> JournalCommit {
    state.withLock { state in
      var commit = JournalCommit()
      var taken = JournalBatch(consumerChanges: batch.consumerChanges)
      for (workspace, part) in batch.parts {
        let last = state.streams[workspace]?.last ?? 0
        if workspace == refused {
          commit.refused[workspace] = SimulatedJournal.failure
        } else if part.expected == last {
          state.streams[workspace, default: Stream()].append(part)
          taken.parts[workspace] = part
        } else {
          commit.refused[workspace] = .conflict(workspace, expected: part.expected, actual: last)
          state.conflicts += 1
        }
      }
      consumers.append(taken) { result in
        precondition((try? result.get().refused) == [:], "the streams and the consumers differ: \(result)")
      }
      return commit
    }
  }

  // MARK: - Keeping

  /// Keeps the records after an offset until it is let go.
  /// - Throws: ``JournalError/pruned(first:)`` if not all of them are kept.
  func hold(_ workspace: WorkspaceID, after offset: JournalOffset) throws(JournalError) -> Hold {
    let (first, number) = state.withLock { state in
      state.holdsMade += 1
      state.holds[state.holdsMade] = (workspace, offset)
      return (state.streams[workspace]?.first ?? 1, state.holdsMade)
    }
    let hold = Hold(self, workspace, number)
    guard first <= offset + 1 else { throw .pruned(first: first) }
    return hold
  }

  final class Hold: Sendable {
    private let journal: SharedJournal
    private let workspace: WorkspaceID
    private let number: Int

    fileprivate init(_ journal: SharedJournal, _ workspace: WorkspaceID, _ number: Int) {
      self.journal = journal
      self.workspace = workspace
      self.number = number
    }

    deinit {
      journal.state.withLock { $0.holds[number] = nil }
    }

    /// Those that are there now, whoever appended them.
    func records(after offset: JournalOffset, limit: Int) -> Result<[JournalRecord], JournalError> {
      let stream = journal.stream(workspace)
      guard stream.first <= offset + 1 else { return .failure(.pruned(first: stream.first)) }
      return .success(Array(stream.all.dropFirst(Int(offset)).prefix(limit)))
    }
  }

  /// Forgets records, but none that a replay or the state still needs.
  func prune(_ workspace: WorkspaceID, upTo wish: JournalOffset) {
    state.withLock { state in
      let held = state.holds.values.filter { $0.0 == workspace }.map(\.1)
      guard let stream = state.streams[workspace], let snapshot = stream.snapshot else { return }
      let offset = min(wish, held.min() ?? wish, snapshot.offset)
      state.streams[workspace]?.first = max(offset + 1, stream.first)
    }
  }

  // MARK: - Consumers

  func backlogs(of keys: [JournalConsumer.Key]) -> [JournalConsumer.Key: [JournalBacklog]] {
    let backlogs = Mutex<[JournalConsumer.Key: [JournalBacklog]]>([:])
    consumers.backlogs(of: keys) { result in backlogs.withLock { $0 = (try? result.get()) ?? [:] } }
    return backlogs.withLock { $0 }.mapValues { $0.map(adapted) }
  }

  private func adapted(_ backlog: JournalBacklog) -> JournalBacklog {
    var backlog = backlog
    backlog.first = stream(backlog.workspace).first
    backlog.position = max(backlog.position, backlog.first - 1)
    backlog.parked.removeAll { $0.offset < backlog.first }
    return backlog
  }
}

extension SharedJournal.Stream {
  fileprivate mutating func append(_ part: JournalPart) {
    all += part.records
    receipts += part.receipts
    snapshot = part.snapshot ?? snapshot
  }

  var content: JournalStream {
    JournalStream(
      epoch: SharedJournal.epoch, last: last, snapshot: snapshot,
      records: Array(all.dropFirst(Int(snapshot?.offset ?? 0))), receipts: receipts)
  }
}
