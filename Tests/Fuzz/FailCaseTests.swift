import Foundation
import Testing

/// Replays every input a fuzzer ever failed on, and the seeds.
@Suite("Fuzzers' inputs, replayed")
struct FailCaseTests {
  @Test func frames() throws {
    try replay("Frames", FramesFuzz.run)
  }

  @Test func handshakes() throws {
    try replay("Handshake", HandshakeFuzz.run)
  }

  @Test func inflating() throws {
    try replay("Inflate", InflateFuzz.run)
  }

  @Test func tls() throws {
    try replay("TLS", TLSFuzz.run)
  }

  @Test func messages() throws {
    try replay("JSON", JSONFuzz.run)
  }

  private func replay(_ name: String, _ run: (UnsafeRawBufferPointer) -> String?) throws {
    let inputs = try files("Seeds/\(name)") + files("FailCases/\(name)")
    #expect(!inputs.isEmpty)
    for input in inputs {
      let complaint = try Data(contentsOf: input).withUnsafeBytes(run)
      #expect(complaint == nil, "\(input.lastPathComponent)")
    }
  }

  private func files(_ folder: String) throws -> [URL] {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: folder)
    return try FileManager.default.contentsOfDirectory(
      at: url, includingPropertiesForKeys: nil, options: .skipsHiddenFiles)
  }
}
