extension Workspace {
  /// The clock may have been set back since the state was kept. From now on no block stands longer than a block may.
  public mutating func limitDeadlines(at now: Timestamp) {
    let latest = now.advanced(byMilliseconds: rules.blockMarkdoneTimeoutMilliseconds)
    for index in blocks.indices where blocks[index].deadline > latest { blocks[index].deadline = latest }
  }
}
