import CasebusProtocol
import Foundation
import NIOCore

/// What reading a client's message and writing an event cost, beside Foundation. Prints one JSON line for each way.
@main struct CodecBenchmark {
  static func main() throws {
    for message in ClientSample.all { try message.measure() }
    try EventSample().measure()
  }
}

enum Codec {
  /// Nanoseconds of one call: the median of some rounds, so that whatever else the machine did does not count.
  static func nanoseconds(_ body: () throws -> Void) rethrows -> Double {
    let calls = 5_000
    let rounds = try (0..<9).map { _ in
      let start = ContinuousClock.now
      for _ in 0..<calls { try body() }
      return Double((ContinuousClock.now - start).components.attoseconds) / 1e9 / Double(calls)
    }
    return rounds.sorted()[rounds.count / 2]
  }

  static func report(_ message: String, _ bytes: Int, _ work: String, _ way: String, _ nanoseconds: Double) {
    let time = Int(nanoseconds.rounded())
    print(#"{"message":"\#(message)","bytes":\#(bytes),"work":"\#(work)","way":"\#(way)","ns":\#(time)}"#)
  }

  /// Keeps a result from being optimized away.
  @inline(never) static func use<Value>(_ value: Value) {}
}

/// A message of a client, read into what the broker works with, and into types made for it with Foundation's decoder.
struct ClientSample: Sendable {
  let name: String
  let text: String
  let decode: @Sendable (Data) throws -> Void

  static let all = [
    ClientSample(
      name: "request",
      text:
        #"{"request":"interaction.markdone","parameters":["0001HaFNPK5H0001"],"referenceId":"17","protocolVersion":2}"#
    ) { Codec.use(try JSONDecoder().decode(RequestMessage.self, from: $0)) },
    ClientSample(
      name: "publish of an interaction",
      text: """
        {"event":"publish","data":{"event":"interaction","data":{"eventType":"RINGING","interaction":\(interaction)}},\
        "userAgent":"WWE Client","protocolVersion":2,"referenceId":"18"}
        """
    ) { Codec.use(try JSONDecoder().decode(PublishMessage.self, from: $0)) },
  ]

  static let interaction = """
    {"interactionId":"0001HaFNPK5H0001","caseId":"d4187b87-9fe1-4db8-0515-000000000001","userData":{"Customer":"4711",\
    "Segment":"Gold","Subject":"Anfrage zur Rechnung","Language":"de"},"state":"RINGING","previousState":"IDLE",\
    "parties":[{"name":"+49 89 1234567"}],"isConsultation":false,"isMainCaseInteraction":true,"callUuid":\
    "00QL6N7E8O9MD9LK1DM6HG5AES00001C","direction":"IN","callType":"INBOUND","ani":"+49891234567","dnis":"5001",\
    "isCaseSelected":true,"isCaseExpanded":false,"media":"voice"}
    """

  func measure() throws {
    let (buffer, data) = (ByteBuffer(string: text), Data(text.utf8))
    func report(_ way: String, _ time: Double) { Codec.report(name, text.utf8.count, "read", way, time) }
    report("casebus", try Codec.nanoseconds { Codec.use(try ClientMessage(decoding: buffer)) })
    report("JSONDecoder", try Codec.nanoseconds { try decode(data) })
    report("JSONSerialization", try Codec.nanoseconds { Codec.use(try JSONSerialization.jsonObject(with: data)) })
  }
}

/// An event about an interaction, written from the broker's types, and with Foundation's encoder from types made for it.
struct EventSample {
  func measure() throws {
    let attributes = try JSONValue(parsing: ClientSample.interaction).objectValue!
    var interaction = Interaction(interactionID: "0001HaFNPK5H0001", caseID: "c", state: .ringing)
    try interaction.update(from: attributes)
    let event = try JSONDecoder().decode(
      EventData.self, from: Data(#"{"eventType":"RINGING","interaction":\#(ClientSample.interaction)}"#.utf8))
    let encoder = JSONEncoder()
    let bytes = written(interaction).readableBytes
    let object = try JSONSerialization.jsonObject(with: Data(written(interaction).readableBytesView))
    func report(_ way: String, _ time: Double) { Codec.report("event of an interaction", bytes, "write", way, time) }
    report("casebus", Codec.nanoseconds { Codec.use(written(interaction)) })
    report("JSONEncoder", try Codec.nanoseconds { Codec.use(try encoder.encode(EventMessage(data: event))) })
    report("JSONSerialization", try Codec.nanoseconds { Codec.use(try JSONSerialization.data(withJSONObject: object)) })
  }

  private func written(_ interaction: Interaction) -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.reserveCapacity(1024)
    ServerMessage.writeEvent("interaction", EventLabels(), into: &buffer) { buffer in
      buffer.beginJSONObject()
      buffer.writeJSONMember("eventType", "RINGING")
      buffer.writeJSONMember("interaction") { $0.writeJSON(interaction) }
      buffer.endJSONObject()
    }
    return buffer
  }
}

// MARK: - For Foundation

struct RequestMessage: Codable {
  var request: String
  var parameters: [String]
  var referenceId: String
  var protocolVersion: Int
}

struct PublishMessage: Codable {
  struct Publication: Codable {
    var event: String
    var data: EventData
  }

  var event: String
  var data: Publication
  var userAgent: String
  var protocolVersion: Int
  var referenceId: String
}

struct EventMessage: Codable {
  var event = "interaction"
  var data: EventData
  var userAgent = "WWE Server"
  var protocolVersion = 2
}

struct EventData: Codable {
  struct Interaction: Codable {
    struct Party: Codable {
      var name: String
    }

    var interactionId: String
    var caseId: String
    var userData: [String: String]
    var state: String
    var previousState: String?
    var parties: [Party]
    var isConsultation: Bool
    var isMainCaseInteraction: Bool
    var callUuid: String?
    var direction: String?
    var callType: String?
    var ani: String?
    var dnis: String?
    var isCaseSelected: Bool
    var isCaseExpanded: Bool
    var media: String?
  }

  var eventType: String
  var interaction: Interaction
}
