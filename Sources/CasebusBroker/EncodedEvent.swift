import CasebusProtocol
import CasebusWebSocket
import NIOCore

/// An event on its way to sessions, encoded once for all of them.
struct EncodedEvent: Sendable {
  var workspace: WorkspaceID
  var name: EventName
  /// The WebSocket frame that the sessions of the workspace get.
  var frame: ByteBuffer
  /// The frame that monitors get; nil if there were none when it was encoded.
  var monitorFrame: ByteBuffer?
  /// The session that does not get it: the sender of a messenger message.
  var excluded: SessionKey?
}

extension EncodedEvent {
  /// - Parameter data: the `data` of the envelope as JSON.
  init(_ name: EventName, data: ByteBuffer, workspace: WorkspaceID, forMonitors: Bool, excluded: SessionKey? = nil) {
    self.workspace = workspace
    self.name = name
    self.excluded = excluded
    frame = Self.frame(name, data, workspaceID: nil)
    monitorFrame = forMonitors ? Self.frame(name, data, workspaceID: workspace.text) : nil
  }

  private static func frame(_ name: EventName, _ data: ByteBuffer, workspaceID: String?) -> ByteBuffer {
    .textFrame { buffer in
      ServerMessage.writeEvent(name.description, workspaceID: workspaceID, into: &buffer) {
        $0.writeImmutableBuffer(data)
      }
    }
  }
}

extension ByteBuffer {
  /// A server's text frame (RFC 6455 §5.6) around the message that the closure writes.
  static func textFrame(writeMessage: (inout ByteBuffer) -> Void) -> ByteBuffer {
    var message = ByteBuffer()
    writeMessage(&message)
    var frame = ByteBuffer()
    frame.reserveCapacity(message.readableBytes + WebSocketFrame.headerBytesMax)
    WebSocketFrame.appendHeader(opcode: .text, payloadBytes: message.readableBytes, to: &frame)
    frame.writeImmutableBuffer(message)
    return frame
  }
}
