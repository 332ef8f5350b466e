import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// The state in one piece, from which a replay begins. Each part of it writes and reads members of its own.
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
