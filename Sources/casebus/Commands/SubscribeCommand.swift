import ArgumentParser
import CasebusClient
import CasebusConsole
import CasebusProtocol
import NIOCore

struct SubscribeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "subscribe", abstract: "Prints events as they come, one JSON line each, until it is stopped.",
    discussion: """
      With --workspace '*' the events of all workspaces are printed, each with its
      workspaceId.

      A position is written EPOCH:OFFSET, after the members epoch and offset of a
      printed event. When the events after it are no longer all there, a line on
      standard error says so, and only what happens from now on is printed.

      A durable consumer is given each event until it is acknowledged; all its
      subscribers share the events. Without --ack nothing is acknowledged: the same
      events come again. With it an event is acknowledged when it is written.

      It ends with status 141 when nobody reads its output any more, and with 74 when
      the output cannot be written.

      EXAMPLES:
        casebus subscribe --workspace default --events interaction,markdone
        casebus subscribe --since beginning
        casebus subscribe --durable crm-bot --ack --reconnect
      """)

  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var subscription: SubscriptionOptions

  @Flag(help: "When the connection ends, reconnect and resume after the last event.")
  var reconnect = false

  @Option(help: ArgumentHelp("Stop after this number of events, 1 to 1000000000000.", valueName: "count"))
  var count: Int?

  private static var counts: ClosedRange<Int> { 1...1_000_000_000_000 }

  func validate() throws {
    if let count { try checkRange("--count", count, Self.counts) }
  }

  func run() async throws {
    StandardOutput.endProcessWithReader()
    var printer = EventPrinter(acknowledges: subscription.ack, countMax: count)
    if reconnect {
      try await printAcrossConnections(with: &printer)
    } else {
      try await printConnection(with: &printer)
    }
  }

  private func printConnection(with printer: inout EventPrinter) async throws {
    let client = try await connection.connect()
    do {
      let result = try await subscription.subscribe(client)
      if result.recovered == false { EventPrinter.printGap() }
      for await event in client.events where try await printer.print(event, of: client) {
        // Unsubscribing first tells the broker that no event ended this session (Protocol §9.5).
        if result.durable != nil { try await client.unsubscribe(result.subscriptionID) }
        return await client.close()
      }
    } catch let error as ClientError {
      await client.close()
      throw CommandFailure("\(error)")
    }
    throw CommandFailure("the broker ended the connection\(client.end?.closure ?? "")")
  }

  private func printAcrossConnections(with printer: inout EventPrinter) async throws {
    let updates = subscription.resumingClient(try connection.connector())
    var client: CasebusClient?
    do {
      for try await update in updates {
        switch update {
        case .connected(let connected, let isWhole):
          if !isWhole, client != nil || subscription.since != nil {
            connection.isForAllWorkspaces ? EventPrinter.printPossibleGap() : EventPrinter.printGap()
          }
          client = connected
        case .event(let event):
          guard let client, try await printer.print(event, of: client) else { continue }
          return await client.close()
        }
      }
    } catch let error as ClientError {
      throw CommandFailure("\(error)")
    }
  }
}

/// Prints events, one line each.
private struct EventPrinter {
  let acknowledges: Bool
  let countMax: Int?
  private var count = 0

  init(acknowledges: Bool, countMax: Int?) {
    self.acknowledges = acknowledges
    self.countMax = countMax
  }

  /// - Returns: whether that was the last one.
  /// - Throws: ``OutputFailure``, ``ClientError``.
  mutating func print(_ event: CasebusClient.Event, of client: CasebusClient) async throws -> Bool {
    try printLine(event.jsonText)
    count += 1
    // Acknowledges only what the system has taken.
    if acknowledges { try await client.acknowledge(event) }
    return count == countMax
  }

  static func printPossibleGap() {
    printError(
      "some events may be missing here: a subscription to all workspaces cannot go on where it was, a durable one can")
  }

  static func printGap() {
    printError("some events are missing here: the broker does not have all of those after the position any more")
  }
}

extension ClientError {
  /// The close code and reason of the other side.
  fileprivate var closure: String {
    if case .connectionLost(let code, let reason) = self { " (\(code) \(reason))" } else { "" }
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
