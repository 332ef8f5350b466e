import ArgumentParser

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Runs a broker until it is stopped (SIGTERM or Ctrl-C).",
    discussion: """
      EXAMPLES:
        casebus serve --host 127.0.0.1 --port 8080 --data ./casebus-data
        casebus serve --journal memory
      """)

  @OptionGroup var options: ServerOptions

  func run() async throws {
    try await BrokerProcess(options).run { address in
      printLine("Casebus is listening on \(address.webSocketURL) (page: \(address.pageURL)), stop it with Ctrl-C")
    }
  }
}
