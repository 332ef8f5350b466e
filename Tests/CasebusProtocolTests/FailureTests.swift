import CasebusProtocol
import Testing

/// A failure quotes what a client sent, and may be remembered.
@Suite struct FailureTests {
  @Test func longMessageLosesItsMiddle() {
    let id = String(repeating: "é", count: 30_000)
    let message = Failure(.interactionNotFound, "there is no interaction \"\(id)\" in this workspace").message
    #expect((2000...Failure.messageBytesMax).contains(message.utf8.count))
    #expect(message.hasPrefix("there is no interaction \"éé") && message.hasSuffix("éé\" in this workspace"))
    #expect(message.contains("é … é"))
  }

  @Test(arguments: 0..<8)
  func whateverIsCutTheTextStaysValid(_ shift: Int) {
    let text = String(repeating: "x", count: shift) + String(repeating: "👩‍🔬", count: 1000)
    let message = Failure(.unknownEvent, text).message
    #expect(message.utf8.count <= Failure.messageBytesMax && !message.unicodeScalars.contains("\u{FFFD}"))
  }

  @Test func warningOfABlockStaysWhole() {
    let warning = String(repeating: "w", count: 5000)
    #expect(Failure(.markdoneBlocked, warning).message == warning)
    #expect(Failure(.illegalState, String(repeating: "w", count: 2048)).message.utf8.count == 2048)
  }
}
