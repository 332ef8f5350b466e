extension Workspace {
  /// The clock may have been set back since the state was kept. From now on no block stands longer than a block may.
  package mutating func limitDeadlines(at now: Timestamp) {
    let latest = now.advanced(byMilliseconds: rules.blockMarkdoneTimeoutMilliseconds)
    guard blocks.contains(where: { $0.deadline > latest }) else { return }
    let all = blocks
    blockBook = MarkdoneBlocks()
    for var block in all {
      block.deadline = min(block.deadline, latest)
      blockBook.place(block)
    }
  }
}
