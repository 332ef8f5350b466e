import CasebusConsole
import Logging
import Synchronization
import Testing

@testable import casebus

@Suite struct LineLogHandlerTests {
  private let output = RecordedOutput()

  private func logger() -> Logger {
    Logger(label: "casebus", factory: { [output] in LineLogHandler(StreamLogHandler(label: $0, stream: output)) })
  }

  @Test(arguments: [
    ("bye", "bye"), ("reconnect in 2310 ms", "reconnect in 2310 ms"), ("CN=bot-7,O=Acme", "CN=bot-7,O=Acme"),
    ("a\nb", #"a\nb"#), ("a\r\nb\t", #"a\r\nb\t"#), ("\u{1B}[31mred", #"\u{1b}[31mred"#),
    ("\u{202E}abc", #"\u{202e}abc"#),
    ("a\u{2028}b\u{85}c\u{0}", #"a\u{2028}b\u{85}c\u{0}"#), ("x code=1000", #""x code=1000""#),
    ("x [CasebusBroker] session closed", #""x [CasebusBroker] session closed""#), (#"a"b"#, #""a\"b""#),
    (#"a\n"#, #""a\\n""#), ("é 漢 👋", "é 漢 👋"),
  ])
  func valueIsOneField(_ value: String, _ written: String) {
    logger().info("session closed", metadata: ["reason": "\(value)"])
    #expect(output.text.hasSuffix(" info casebus: reason=\(written) [casebusTests] session closed\n"), "\(output.text)")
  }

  @Test func messageAndErrorAndMetadataOfTheLoggerAreOneLine() {
    var logger = logger()
    logger[metadataKey: "from"] = "a\nb"
    logger.error("c\nd", error: Failure(), metadata: ["x": ["e\nf"]])
    #expect(
      output.text.hasSuffix(#"error=g\nh from=a\nb x="[\"e\\nf\"]" [casebusTests] c\nd"# + "\n"), "\(output.text)")
    #expect(output.text.split(separator: "\n").count == 1)
  }
}

private struct Failure: Error, CustomStringConvertible {
  let description = "g\nh"
}

private final class RecordedOutput: TextOutputStream, Sendable {
  private let written = Mutex("")

  var text: String { written.withLock { $0 } }

  func write(_ string: String) {
    written.withLock { $0 += string }
  }
}
