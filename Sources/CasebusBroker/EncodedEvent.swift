import CasebusProtocol
import NIOCore

/// An event on its way to sessions, encoded once for all of them.
struct EncodedEvent: Sendable {
  var workspace: WorkspaceID
  var name: EventName
  /// What the sessions of the workspace get.
  var frame: TextFrame
  /// What monitors get; nil if there were none when it was released.
  private(set) var monitorFrame: TextFrame?
  /// The session that does not get it: the sender of a messenger message.
  var excluded: SessionKey?
  private let data: ByteBuffer
}

extension EncodedEvent {
  /// - Parameter data: the `data` of the envelope as JSON.
  init(_ name: EventName, data: ByteBuffer, workspace: WorkspaceID, excluded: SessionKey? = nil) {
    self.workspace = workspace
    self.name = name
    self.excluded = excluded
    self.data = data
    frame = Self.frame(name, data, workspaceID: nil)
  }

  /// There are monitors: they are told the workspace, too.
  mutating func addMonitorFrame() {
    monitorFrame = Self.frame(name, data, workspaceID: workspace)
  }

  private static func frame(_ name: EventName, _ data: ByteBuffer, workspaceID: WorkspaceID?) -> TextFrame {
    TextFrame { buffer in
      ServerMessage.writeEvent(name.description, EventLabels(workspaceID: workspaceID), into: &buffer) {
        $0.writeImmutableBuffer(data)
      }
    }
  }
}
