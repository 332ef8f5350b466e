import NIOCore
import Testing

@testable import CasebusWebSocket

@Suite("Frames that a connection sends")
struct SendingTests {
  @Test("A server sends the shortest length and no mask", arguments: [0, 1, 125, 126, 65_535, 65_536])
  func server(count: Int) {
    let payload = [UInt8].repeating("p", count)
    let server = WebSocketConnection(role: .server)
    #expect(server.sendText(ByteBuffer(bytes: payload))?.array == Frame.plain(0x81, payload))
    #expect(server.sendBinary(ByteBuffer(bytes: payload))?.array == Frame.plain(0x82, payload))
  }

  @Test("A client masks every frame with a key of its own")
  func client() {
    nonisolated(unsafe) var keys: [UInt32] = [0x37FA_213D, 0]
    let client = WebSocketConnection(role: .client { WebSocketMaskingKey(keys.removeFirst()) })
    #expect(client.sendText(ByteBuffer("Hello"))?.array == [UInt8](hex: "81 85 37fa213d 7f9f4d5158"))
    #expect(client.sendPing(ByteBuffer("a"))?.array == [UInt8](hex: "89 81 00000000 61"))
  }

  @Test(
    "A header for shared payload bytes",
    arguments: [
      (5, false, "81 05"), (126, false, "81 7e 007e"), (65_536, false, "81 7f 0000000000010000"), (5, true, "c1 05"),
    ])
  func header(payloadBytes: Int, compressed: Bool, bytes: String) {
    var buffer = ByteBuffer()
    WebSocketFrame.appendHeader(opcode: .text, payloadBytes: payloadBytes, compressed: compressed, to: &buffer)
    #expect(buffer.array == [UInt8](hex: bytes))
  }

  @Test("What one side sends the other receives", arguments: Split.allCases)
  func bothRoles(split: Split) {
    var server = WebSocketConnection(role: .server)
    var client = WebSocketConnection(role: .testClient)
    let text = ByteBuffer(String(repeating: "grüße ", count: 100))
    #expect(server.take(client.sendText(text)!.array, split).events == [.text(text)])
    #expect(client.take(server.sendText(text)!.array, split).events == [.text(text)])
  }
}
