import ArgumentParser
import CasebusClient
import CasebusProtocol

struct ConsumerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "consumer", abstract: "Lists, shows and deletes durable consumers.",
    discussion: """
      Bots make them, and casebus subscribe --durable does. With --workspace '*' it
      is about those of all workspaces together.

      EXAMPLES:
        casebus consumer list
        casebus consumer get crm-bot
        casebus consumer delete crm-bot --workspace '*'
      """,
    subcommands: [List.self, Get.self, Delete.self])

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
      abstract: "Prints one durable consumer as JSON: where it is, what it has to do, what was given up.",
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

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Deletes a durable consumer; its sessions end, what it had to do is forgotten.",
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
