import CasebusJournal
import CasebusProtocol
import NIOCore

/// An event on its way to sessions, encoded once for all of them.
struct EncodedEvent: Sendable {
  let name: EventName
  /// Its place in the workspace's stream; 0 for messages to channels, which are not numbered.
  let offset: JournalOffset
  /// The `data` of the envelope as JSON; shares the frame's memory.
  let data: ByteBuffer
  /// The frame for sessions of the workspace without positions.
  let frame: TextFrame
  private var others: OtherFrames?

  /// What others get, if there were any when the event was released.
  private final class OtherFrames: Sendable {
    let positioned: TextFrame?
    let monitor: TextFrame?
    let positionedMonitor: TextFrame?

    init(positioned: TextFrame?, monitor: TextFrame?, positionedMonitor: TextFrame?) {
      self.positioned = positioned
      self.monitor = monitor
      self.positionedMonitor = positionedMonitor
    }
  }
}

extension EncodedEvent {
  /// - Parameter writeData: writes the `data` of the envelope.
  init(_ name: EventName, at offset: JournalOffset = 0, writeData: (inout ByteBuffer) -> Void) {
    self.name = name
    self.offset = offset
    (frame, data) = TextFrame.event(name, writeData: writeData)
  }

  /// Its approximate size in memory: the frame, of which the data is a part.
  var bytes: Int { frame.messageBytes }

  /// Encodes the frames for monitors and for sessions with positions, if there are any at the release.
  /// - Parameters:
  ///   - workspace: told to monitors.
  ///   - epoch: of the workspace's stream; nil if nobody wants positions.
  mutating func addFrames(workspace: WorkspaceID, forMonitors: Bool, epoch: String?) {
    let position = epoch.flatMap { offset > 0 ? StreamPosition(offset: offset, epoch: $0) : nil }
    let own = EventLabels(position: position)
    others = OtherFrames(
      positioned: position == nil ? nil : TextFrame(event: name, data, own),
      monitor: forMonitors ? TextFrame(event: name, data, EventLabels(workspaceID: workspace)) : nil,
      positionedMonitor: forMonitors && position != nil
        ? TextFrame(event: name, data, EventLabels(workspaceID: workspace, position: position)) : nil)
  }

  /// The frame for sessions of the workspace.
  func frame(withPosition: Bool) -> TextFrame { withPosition ? others?.positioned ?? frame : frame }

  /// The frame for monitors; nil if there were none at the release.
  func monitorFrame(withPosition: Bool) -> TextFrame? {
    withPosition ? others?.positionedMonitor ?? others?.monitor : others?.monitor
  }
}

extension TextFrame {
  /// - Parameter data: the `data` of the envelope as JSON.
  init(event name: EventName, _ data: ByteBuffer, _ labels: EventLabels) {
    self.init(messageBytes: data.readableBytes + Self.envelopeBytes) { buffer in
      ServerMessage.writeEvent(name.description, labels, into: &buffer) { $0.writeImmutableBuffer(data) }
    }
  }

  /// The frame of an event without labels, and the `data` in it.
  fileprivate static func event(
    _ name: EventName, writeData: (inout ByteBuffer) -> Void
  ) -> (frame: TextFrame, data: ByteBuffer) {
    var (start, end) = (0, 0)
    let frame = TextFrame(messageBytes: eventBytes) { buffer in
      ServerMessage.writeEvent(name.description, EventLabels(), into: &buffer) {
        start = $0.writerIndex
        writeData(&$0)
        end = $0.writerIndex
      }
    }
    // The data stands where it was written: what comes before it in the buffer did not move.
    return (frame, frame.bytes.getSlice(at: start, length: end - start)!)
  }

  /// The approximate size of an event without its data.
  private static var envelopeBytes: Int { 128 }
  /// How long most events are.
  private static var eventBytes: Int { 480 }
}
