import ArgumentParser
import CasebusClient
import CasebusConsole
import CasebusProtocol

struct ConsumerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consumer", abstract: "Lists, shows and deletes durable consumers, and delivers parked events again.",
    discussion: """
      Bots make them, and casebus subscribe --durable does. With --workspace '*' it
      is about those of all workspaces together.

      EXAMPLES:
        casebus consumer list
        casebus consumer get crm-bot
        casebus consumer redeliver crm-bot --offset 39
        casebus consumer delete crm-bot --workspace '*'
      """,
    subcommands: [List.self, Get.self, Redeliver.self, Delete.self])

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the durable consumers of a workspace, one JSON line each.",
      discussion: """
        EXAMPLES:
          casebus consumer list
          casebus consumer list --workspace '*'
        """)

    @OptionGroup var connection: ConnectionOptions

    func run() async throws {
      for consumer in try await connection.request("consumer.list").arrayValue ?? [] {
        try printLine(consumer.jsonText)
      }
    }
  }

  struct Get: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints one durable consumer as JSON: position, backlog, parked events.",
      discussion: """
        EXAMPLE:
          casebus consumer get crm-bot
        """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The name of the consumer.")
    var name: String

    func run() async throws {
      try printLine(await connection.request("consumer.get", [.string(name)]).jsonText)
    }
  }

  struct Redeliver: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Delivers parked events again; prints how many.",
      discussion: """
        Without --offset all that are parked, at most as many as the broker's
        redeliveredEventsMax: again, until it prints 0. With --workspace '*', --of
        says in which workspace they are.

        EXAMPLES:
          casebus consumer redeliver crm-bot
          casebus consumer redeliver crm-bot --offset 39
          casebus consumer redeliver watch --workspace '*' --of agent-7 --offset 39
        """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The name of the consumer.")
    var name: String

    @Option(help: ArgumentHelp("Only the event at this offset.", valueName: "offset"))
    var offset: UInt64?

    @Option(help: ArgumentHelp("Only those of this workspace.", valueName: "workspace"))
    var of: String?

    private func choice() throws -> ParkedChoice {
      guard let of else { return ParkedChoice(offset: offset) }
      guard let workspace = WorkspaceID(of) else {
        throw ValidationError("--of is \"\(of)\", expected 1 to 64 of A-Z a-z 0-9 . _ -")
      }
      return ParkedChoice(workspace: workspace, offset: offset)
    }

    func validate() throws {
      _ = try choice()
    }

    func run() async throws {
      try printLine(try await connection.request("consumer.redeliver", [.string(name), choice().json]).jsonText)
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Deletes a durable consumer with its backlog, and closes its sessions.",
      discussion: """
        EXAMPLE:
          casebus consumer delete crm-bot
        """)

    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "The name of the consumer.")
    var name: String

    func run() async throws {
      _ = try await connection.request("consumer.delete", [.string(name)])
    }
  }
}
