import ArgumentParser
import CasebusConsole

@main
struct Casebus: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "casebus",
    abstract: "A WebSocket event bus for agent desktops (Service Client API, protocolVersion 2).",
    discussion: """
      EXAMPLES:
        casebus demo                                     a broker and a simulated contact centre
        casebus serve --port 8080                        a broker
        casebus simulate --agents 3                      simulated agents on a running broker
        casebus subscribe --events interaction,markdone  prints events as they come
        casebus call interaction.getInteractions         makes one request
        casebus consumer list                            durable consumers, and how far they are
      """,
    version: "0.1.0",
    subcommands: [
      DemoCommand.self, ServeCommand.self, SimulateCommand.self, SubscribeCommand.self, CallCommand.self,
      PublishCommand.self, ConsumerCommand.self, JournalCommand.self, ConfigCommand.self,
    ])

  static func main() async {
    StandardOutput.prepare()
    await runProcess { WrittenAddress.hint }
  }
}
