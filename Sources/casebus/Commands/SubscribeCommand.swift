import ArgumentParser
import CasebusClient
import CasebusProtocol
import NIOCore

struct SubscribeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Prints events as they come, one JSON line each, until it is stopped.",
    discussion: """
      With --workspace '*' the events of all workspaces are printed, each with its workspaceId.

      EXAMPLE:
        casebus subscribe --workspace default --events interaction,markdone
      """)

  @OptionGroup var connection: ConnectionOptions

  @Option(
    help: ArgumentHelp(
      "Names, separated by commas: agent, interaction, markdone, media, outbound, system, messenger:<channel>.",
      valueName: "names"))
  var events = "interaction,markdone"

  @Option(help: ArgumentHelp("Stop after so many events.", valueName: "count"))
  var count: Int?

  func validate() throws {
    if let count, count < 1 { throw ValidationError("--count is \(count), expected a number greater than 0") }
  }

  func run() async throws {
    let client = try await connection.connect()
    do {
      _ = try await client.subscribe(to: events.split(separator: ",").map(String.init))
    } catch {
      await client.close()
      throw CommandFailure("\(error)")
    }
    var printed = 0
    for await event in client.events {
      printLine(event.jsonText)
      printed += 1
      if printed == count { return await client.close() }
    }
    throw CommandFailure("the broker ended the connection")
  }
}

extension CasebusClient.Event {
  /// The event as a broker sends it.
  var jsonText: String {
    var buffer = ByteBuffer()
    ServerMessage.event(name: name, data: data, labels).encode(into: &buffer)
    return String(buffer: buffer)
  }
}
