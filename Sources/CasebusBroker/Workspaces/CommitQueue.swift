import CasebusJournal
import CasebusProtocol
import NIOCore

/// Group commit: everything decided in one tick of the loop, or during the last commit, is one batch
/// (Docs/internals/threading.md).
///
/// Nothing leaves it before it is durable: neither an event nor the answer to the command that caused it. What needs
/// no commit waits for what was decided before it, so that order holds.
final class CommitQueue {
  private let port: LoopPort
  private let journal: any EventJournal
  private var gathered: [WorkspaceCommit] = []
  private var committing: [WorkspaceCommit]?
  /// How the commit went; nil while the journal has not said so.
  private var result: Result<JournalCommit, JournalError>?
  /// What the answers and events that were decided and are not released hold in memory, about.
  private(set) var pendingBytes = 0

  init(port: LoopPort, journal: any EventJournal) {
    self.port = port
    self.journal = journal
  }

  /// Adds to what a workspace has in the next commit.
  /// - Parameter body: is not to add anything else to this queue.
  func update(_ host: WorkspaceHost, _ body: (inout WorkspaceCommit) -> Void) {
    let index = host.gatheredCommit ?? gather(host)
    let before = gathered[index].bytes
    body(&gathered[index])
    pendingBytes += gathered[index].bytes - before
  }

  private func gather(_ host: WorkspaceHost) -> Int {
    let index = gathered.count
    gathered.append(WorkspaceCommit(host))
    host.gatheredCommit = index
    host.pendingCommits += 1
    return index
  }

  private func takeGathered() -> [WorkspaceCommit] {
    var commits = gathered
    gathered = []
    for index in commits.indices {
      commits[index].end()
      commits[index].host.gatheredCommit = nil
    }
    return commits
  }

  /// Whether something is gathered and no commit is running.
  var canBegin: Bool { committing == nil && !gathered.isEmpty }

  /// Commits what is gathered, unless a commit is running: then it is the next one.
  func begin() {
    guard canBegin else { return }
    let commits = takeGathered()
    committing = commits
    let batch = JournalBatch(commits)
    guard !batch.isEmpty else { return result = .success(JournalCommit()) }
    let port = port
    journal.append(batch) { result in
      if port.eventLoop.inEventLoop {
        port.loop.commitEnded(result)
      } else {
        port.execute { $0.commitEnded(result) }
      }
    }
  }

  /// The journal said how the commit went. What follows from that is done by ``settle()``.
  func ended(_ result: Result<JournalCommit, JournalError>) {
    precondition(committing != nil && self.result == nil, "a commit ended that was not begun")
    self.result = result
    count(result)
  }

  /// Releases what was committed, or undoes what was not. Does nothing until the journal has said which.
  func settle() {
    guard let result, let commits = committing else { return }
    (self.result, committing) = (nil, nil)
    switch result {
    case .success(let commit) where commit.refused.isEmpty: settle(commits) { _ in nil }
    case .success(let commit): settle(commits + takeGathered(refused: commit.refused)) { commit.refused[$0.id] }
    case .failure(let error): settle(commits + takeGathered()) { _ in error }
    }
  }

  /// What was decided on top of what the journal refused.
  private func takeGathered(refused: [WorkspaceID: JournalError]) -> [WorkspaceCommit] {
    let all = takeGathered()
    for commit in all where refused[commit.host.id] == nil {
      commit.host.gatheredCommit = gathered.count
      gathered.append(commit)
    }
    return all.filter { refused[$0.host.id] != nil }
  }

  /// The commits are durable, but for those that an error is given for: these are undone, and those who asked are told.
  /// The order of each workspace stays as it is.
  private func settle(_ settled: consuming [WorkspaceCommit], error: (WorkspaceHost) -> JournalError?) {
    var commits = settled
    var releases: [(host: WorkspaceHost, release: WorkspaceRelease)] = []
    releases.reserveCapacity(commits.count)
    for index in commits.indices {
      let host = commits[index].host
      pendingBytes -= commits[index].bytes
      switch error(host) {
      case nil: host.committed(commits[index])
      case .conflict: host.rollBack(commits[index], isFinal: false)
      case _?: host.rollBack(commits[index], isFinal: true)
      }
    }
    for index in commits.indices {
      let host = commits[index].host
      switch error(host) {
      case nil:
        host.settled(commits[index])
        let release = commits[index].takeRelease()
        port.loop.counts.events += release.events.count
        releases.append((host, release))
      // It is decided again.
      case .conflict: break
      case let error?:
        host.settled(commits[index])
        releases.append((host, commits[index].takeRelease(failing: Failure(notCommitted: error))))
      }
    }
    port.loop.release(releases)
    decideAgain(commits.filter { if case .conflict = error($0.host) { true } else { false } })
    for commit in commits where error(commit.host) == nil { commit.host.feedConsumers(commit) }
  }
}

extension CommitQueue {
  private func count(_ result: Result<JournalCommit, JournalError>) {
    guard case .success(let commit) = result else { return port.loop.counts.commitsFailed += 1 }
    port.loop.counts.commits += 1
    for error in commit.refused.values {
      if case .conflict = error { port.loop.counts.conflicts += 1 } else { port.loop.counts.partsRefused += 1 }
    }
  }

  /// Others appended to the workspaces of these commits first.
  private func decideAgain(_ commits: [WorkspaceCommit]) {
    // The later commits of a host first: what led to the earlier ones is then put before it.
    for commit in commits.reversed() {
      for (session, bytes) in commit.charges { port.loop.outcomeSent(bytes, to: session) }
      commit.host.catchUp(deciding: commit.causes)
    }
  }
}

extension JournalBatch {
  fileprivate init(_ commits: [WorkspaceCommit]) {
    self.init()
    for commit in commits where commit.isKept { parts[commit.host.id] = commit.part }
  }
}

@available(*, unavailable)
extension CommitQueue: Sendable {}
