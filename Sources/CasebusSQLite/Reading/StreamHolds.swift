import CasebusJournal
import CasebusProtocol
import Synchronization

/// From which offset on the records of open workspaces exist, and from which one on replays need them.
final class StreamHolds: Sendable {
  private let state = Mutex(State())

  private struct State {
    var streams: [WorkspaceID: Stream] = [:]
    /// Workspaces that are being forgotten, with those that wait to open them.
    var forgetting: [WorkspaceID: [@Sendable () -> Void]] = [:]
  }

  /// What is known of a workspace after it was read.
  struct Opened {
    /// Every record up to this one is gone.
    var pruned: JournalOffset
    var generation: Int64
  }

  fileprivate struct Stream {
    var isOpen = false
    /// Every record up to this offset was deleted; nil while that is not known.
    var pruned: JournalOffset?
    /// The generation of its epoch; nil while that is not known.
    var generation: Int64?
    /// The number of replays that need the records after an offset.
    var replays: [JournalOffset: Int] = [:]

    mutating func pruned(upTo offset: JournalOffset) {
      pruned = max(pruned ?? 0, offset)
    }
  }

  /// To be called before the records are read, so that pruning in between is noticed.
  /// - Parameter body: reads the workspace; called at once, or after the workspace was forgotten.
  func open(_ workspace: WorkspaceID, then body: @escaping @Sendable () -> Void) {
    let isForgotten = state.withLock { state in
      state.streams[workspace, default: Stream()].isOpen = true
      state.forgetting[workspace]?.append(body)
      return state.forgetting[workspace] != nil
    }
    if !isForgotten { body() }
  }

  func opened(_ workspace: WorkspaceID, _ opened: Opened) {
    state.withLock { state in
      state.streams[workspace]?.pruned(upTo: opened.pruned)
      state.streams[workspace]?.generation = opened.generation
    }
  }

  /// The generation of an open workspace, also before it has a row.
  func generation(of workspace: WorkspaceID) -> Int64? {
    state.withLock { $0.streams[workspace]?.generation }
  }

  /// - Returns: the workspaces that are not open. They cannot be opened until ``endForgetting(_:)``.
  func beginForgetting(_ workspaces: [WorkspaceID]) -> [WorkspaceID] {
    state.withLock { state in
      let unused = workspaces.filter { state.streams[$0] == nil }
      for workspace in unused { state.forgetting[workspace] = [] }
      return unused
    }
  }

  func endForgetting(_ workspaces: [WorkspaceID]) {
    let waiting = state.withLock { state in
      workspaces.flatMap { state.forgetting.removeValue(forKey: $0) ?? [] }
    }
    for body in waiting { body() }
  }

  func close(_ workspace: WorkspaceID) {
    state.withLock { state in
      state.streams[workspace]?.isOpen = false
      state.streams.dropUnused(workspace)
    }
  }

  /// - Returns: the offset up to which records were deleted; nil if that is not known.
  func hold(_ workspace: WorkspaceID, after offset: JournalOffset) -> JournalOffset? {
    state.withLock { state in
      state.streams[workspace, default: Stream()].replays[offset, default: 0] += 1
      return state.streams[workspace]?.pruned
    }
  }

  func release(_ workspace: WorkspaceID, after offset: JournalOffset) {
    state.withLock { state in
      let count = state.streams[workspace]?.replays[offset] ?? 0
      state.streams[workspace]?.replays[offset] = count > 1 ? count - 1 : nil
      state.streams.dropUnused(workspace)
    }
  }

  /// Limits a deletion to what no replay needs; from now on those records count as deleted.
  /// - Returns: the offset up to which records can be deleted.
  func prune(_ workspace: WorkspaceID, upTo offset: JournalOffset) -> JournalOffset {
    state.withLock { state in
      let allowed = min(offset, state.streams[workspace]?.replays.keys.min() ?? offset)
      state.streams[workspace]?.pruned(upTo: allowed)
      return allowed
    }
  }
}

extension Dictionary where Key == WorkspaceID, Value == StreamHolds.Stream {
  fileprivate mutating func dropUnused(_ workspace: WorkspaceID) {
    if let stream = self[workspace], !stream.isOpen, stream.replays.isEmpty { self[workspace] = nil }
  }
}
