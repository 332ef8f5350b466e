import CasebusJournal
import CasebusProtocol
import NIOCore

/// An event on its way to sessions, encoded once for all of them.
struct EncodedEvent: Sendable {
  let workspace: WorkspaceID
  let name: EventName
  /// nil for messages to channels, which are not numbered.
  let position: StreamPosition?
  /// The `data` of the envelope as JSON.
  let data: ByteBuffer
  /// The session that must not get it: the sender of a messenger message.
  let excluded: SessionKey?
  /// The frame for sessions of the workspace without positions.
  let frame: TextFrame
  private var positionedFrame: TextFrame?
  private var monitorFrame: TextFrame?
  private var positionedMonitorFrame: TextFrame?
}

extension EncodedEvent {
  init(
    _ name: EventName, data: ByteBuffer, workspace: WorkspaceID, at position: StreamPosition? = nil,
    excluded: SessionKey? = nil
  ) {
    self.workspace = workspace
    self.name = name
    self.position = position
    self.data = data
    self.excluded = excluded
    frame = TextFrame(event: name, data, EventLabels())
  }

  /// Its offset; 0 without a position.
  var offset: JournalOffset { position?.offset ?? 0 }

  /// Its approximate size in memory: its data, which the journal's record shares, and the frame.
  var bytes: Int { data.readableBytes + frame.messageBytes }

  /// Encodes the frames for monitors and for sessions with positions, if there are any at the release.
  mutating func addFrames(forMonitors: Bool, withPositions: Bool) {
    if forMonitors { monitorFrame = TextFrame(event: name, data, EventLabels(workspaceID: workspace)) }
    guard withPositions, let position else { return }
    positionedFrame = TextFrame(event: name, data, EventLabels(position: position))
    guard forMonitors else { return }
    positionedMonitorFrame = TextFrame(event: name, data, EventLabels(workspaceID: workspace, position: position))
  }

  /// The frame for sessions of the workspace.
  func frame(withPosition: Bool) -> TextFrame { withPosition ? positionedFrame ?? frame : frame }

  /// The frame for monitors; nil if there were none at the release.
  func monitorFrame(withPosition: Bool) -> TextFrame? {
    withPosition ? positionedMonitorFrame ?? monitorFrame : monitorFrame
  }
}

extension TextFrame {
  /// - Parameter data: the `data` of the envelope as JSON.
  init(event name: EventName, _ data: ByteBuffer, _ labels: EventLabels) {
    self.init(messageBytes: data.readableBytes + Self.envelopeBytes) { buffer in
      ServerMessage.writeEvent(name.description, labels, into: &buffer) { $0.writeImmutableBuffer(data) }
    }
  }

  /// The approximate size of an event without its data.
  private static var envelopeBytes: Int { 128 }
}
