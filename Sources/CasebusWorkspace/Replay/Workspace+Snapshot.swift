import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// The snapshot, from which a replay begins. Each domain writes and reads its own members.
extension Workspace {
  /// Appends the state as JSON.
  package func writeSnapshot(into buffer: inout ByteBuffer) {
    buffer.beginJSONObject()
    interactionState.writeSnapshotMembers(into: &buffer)
    caseState.writeSnapshotMembers(into: &buffer)
    markdoneState.writeSnapshotMembers(into: &buffer)
    buffer.writeJSONMember("newestEventTime", newestEventTime.milliseconds)
    buffer.endJSONObject()
  }

  /// Reads what ``writeSnapshot(into:)`` wrote.
  package init(snapshot: ByteBuffer, rules: WorkspaceRules) throws(ReplayError) {
    let snapshot = try JSONValue(replaying: snapshot)
    self.init(rules: rules)
    interactionState = try Interactions(snapshot: snapshot)
    caseState = Cases(snapshot: snapshot)
    markdoneState = try MarkdoneBlocks(snapshot: snapshot)
    // Older snapshots do not have this member.
    if snapshot["newestEventTime"] != nil {
      newestEventTime = Timestamp(milliseconds: try snapshot.integer("newestEventTime"))
    }
  }
}
