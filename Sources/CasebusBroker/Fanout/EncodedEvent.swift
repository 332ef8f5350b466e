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
  /// The session that does not get it: the sender of a messenger message.
  let excluded: SessionKey?
  /// What sessions of the workspace get that want no positions.
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

  /// Its place in the workspace's stream; 0 if it has none.
  var offset: JournalOffset { position?.offset ?? 0 }

  /// What it holds in memory, about: its data, which the journal's record shares, and the frame.
  var bytes: Int { data.readableBytes + frame.messageBytes }

  /// Encodes what those others get that there are when it is released.
  mutating func addFrames(forMonitors: Bool, withPositions: Bool) {
    if forMonitors { monitorFrame = TextFrame(event: name, data, EventLabels(workspaceID: workspace)) }
    guard withPositions, let position else { return }
    positionedFrame = TextFrame(event: name, data, EventLabels(position: position))
    guard forMonitors else { return }
    positionedMonitorFrame = TextFrame(event: name, data, EventLabels(workspaceID: workspace, position: position))
  }

  /// What sessions of the workspace get.
  func frame(withPosition: Bool) -> TextFrame { withPosition ? positionedFrame ?? frame : frame }

  /// What monitors get; nil if there were none when it was released.
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

  /// What an event has beside its data, about.
  private static var envelopeBytes: Int { 128 }
}
