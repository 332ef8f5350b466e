import ArgumentParser
import CasebusClient
import CasebusConsole
import CasebusProtocol
import NIOCore

struct PublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish", abstract: "Publishes events, from the arguments or as JSON lines from standard input.",
    discussion: """
      Each line of standard input, in UTF-8, is {"event":"<name>","data":<anything>}, and may have a "messageId". Each is published
      when the one before it is committed; the first that fails ends the command with exit status 1. What is published
      again with the same messageId, within two minutes, happens once.

      EXAMPLES:
        casebus publish interaction '{"eventType":"RINGING","interaction":{"interactionId":"1"}}'
        casebus publish messenger:lunch '"Pizza?"'
        casebus publish < events.jsonl
      """)

  @OptionGroup var connection: ConnectionOptions

  @Argument(help: "The event name; without it events are read from standard input.")
  var event: String?

  @Argument(help: "The event's data, as JSON.")
  var data: String?

  @Option(
    help: ArgumentHelp("Names this event, so that publishing the same again changes nothing.", valueName: "id"))
  var messageID: String?

  func validate() throws {
    if let event, WrittenAddress.isAddress(event) { throw ValidationError("\(event) is no event, expected its name") }
    if messageID != nil, event == nil {
      throw ValidationError("--message-id is for one event, expected \"messageId\" in the lines of standard input")
    }
    if event != nil, data == nil { throw ValidationError("the data of the event is missing, expected JSON") }
  }

  func run() async throws {
    if let event, let data {
      let value = try Self.parse(data, what: "the data")
      let client = try await connection.connect()
      try await Self.publish(event, value, messageID: messageID, with: client)
      await client.close()
    } else {
      try await publishLines()
    }
  }

  private func publishLines() async throws {
    let client = try await connection.connect()
    let lines = try LineReader("-", lineBytesMax: CasebusClient.messageBytesMax)
    var published = 0
    while let line = try lines.next() {
      let number = lines.count
      guard let text = try Self.text(of: line, number) else { continue }
      let value = try Self.parse(text, what: "line \(number)")
      guard let event = value["event"]?.stringValue, let data = value["data"] else {
        throw CommandFailure("line \(number) is not of the form {\"event\":\"<name>\",\"data\":<anything>}")
      }
      let messageID = try Self.messageID(in: value, of: number)
      try await Self.publish(event, data, messageID: messageID, with: client)
      published += 1
    }
    await client.close()
    printError("published \(published) events")
  }

  /// - Returns: nil for an empty line.
  private static func text(of line: ByteBuffer, _ number: Int) throws -> String? {
    let bytes = line.readableBytesView
    if let offset = UTF8Check.firstInvalidOffset(in: bytes) {
      let byte = bytes[bytes.startIndex + offset].hexText
      throw CommandFailure("line \(number), byte \(offset + 1) is \(byte), which is not UTF-8")
    }
    let text = String(buffer: line)
    return text.utf8.allSatisfy { $0 == UInt8(ascii: "\r") } ? nil : text
  }

  private static func messageID(in line: JSONValue, of number: Int) throws -> String? {
    switch line["messageId"] {
    case nil, .null: nil
    case .string(let id): id
    case let other?: throw CommandFailure("line \(number): messageId is \(other.kind), expected a string")
    }
  }

  private static func publish(
    _ event: String, _ data: JSONValue, messageID: String?, with client: CasebusClient
  ) async throws {
    do {
      try await client.publish(event, data, messageID: messageID)
    } catch {
      await client.close()
      throw CommandFailure("\(error)")
    }
  }

  private static func parse(_ text: String, what: String) throws -> JSONValue {
    do {
      return try JSONValue(parsing: text)
    } catch {
      throw CommandFailure("\(what) is not valid JSON: \(error)")
    }
  }
}
