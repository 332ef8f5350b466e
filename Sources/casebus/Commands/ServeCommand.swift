import ArgumentParser
import CasebusConsole

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Runs a broker until it is stopped (SIGTERM or Ctrl-C).",
    discussion: """
      EXAMPLES:
        casebus serve --host 127.0.0.1 --port 8080 --data ./casebus-data
        casebus serve --journal memory
        casebus serve --config casebus.yaml
        casebus serve --tls-port 8443 --tls-certificate chain.pem --tls-key key.pem
      """)

  @OptionGroup var options: ServerOptions

  func validate() throws { try options.check() }

  func run() async throws {
    let broker = BrokerProcess(try options.checkedResolution()) { options.resolution() }
    try await broker.run { addresses in
      let places = addresses.all.map { "\($0.webSocketURL) (page: \($0.pageURL))" }.joined(separator: " and ")
      try printLine("Casebus is listening on \(places), stop it with Ctrl-C")
    }
  }
}
