import ArgumentParser

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

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
      PublishCommand.self, ConsumerCommand.self, JournalCommand.self, EchoServerCommand.self, EchoClientCommand.self,
    ])
}

// MARK: - The process

extension Casebus {
  /// As ArgumentParser's, but whatever is printed is checked, its own help too.
  static func main() async {
    StandardOutput.prepare()
    do {
      if let complaint = RawArguments.complaint { throw ValidationError(complaint) }
      try await run(try parseAsRoot())
      try StandardOutput.close()
    } catch let failure as OutputFailure {
      failure.endProcess()
    } catch {
      end(with: error)
    }
  }

  private static func run(_ command: any ParsableCommand) async throws {
    var command = command
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  }

  private static func end(with error: any Error) -> Never {
    let status = exitCode(for: error)
    let text = fullMessage(for: error)
    guard status.isSuccess else {
      if !text.isEmpty { printError(text + (WrittenAddress.hint ?? "")) }
      _exit(status.rawValue)
    }
    do throws(OutputFailure) {
      // Help and version come as errors.
      if !text.isEmpty { try printLine(text) }
      try StandardOutput.close()
      _exit(status.rawValue)
    } catch {
      error.endProcess()
    }
  }
}
