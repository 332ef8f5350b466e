import ArgumentParser
import CasebusClient
import CasebusConsole
import CasebusProtocol

struct CallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "call", abstract: "Makes one request and prints its result as JSON.",
    discussion: """
      A parameter that is a JSON object, array or "string" is passed as that; everything else is passed as text.
      When the request fails, the error goes to standard error and the exit status is 1.

      EXAMPLES:
        casebus call interaction.getByInteractionId 1
        casebus call interaction.setUserData 1 '{"Segment":"gold"}'
        casebus call interaction.markdone 1 --message-id wrap-up-1
      """)

  @OptionGroup var connection: ConnectionOptions

  @Argument(help: "The name of the request; system.getAllowedServices lists them.")
  var request: String

  @Argument(help: "The parameters, in order.")
  var parameters: [String] = []

  @Option(
    help: ArgumentHelp(
      "Names this call, so that the same call made again changes nothing and has the same result.", valueName: "id"))
  var messageID: String?

  func validate() throws {
    if WrittenAddress.isAddress(request) { throw ValidationError("\(request) is no request, expected its name") }
  }

  func run() async throws {
    let values = parameters.map(JSONValue.init(commandLine:))
    try printLine(await connection.request(request, values, messageID: messageID).jsonText)
  }
}

extension JSONValue {
  /// A parameter from the command line: identifiers such as `1` are texts in this protocol, so a text is JSON only if
  /// it is unmistakable.
  init(commandLine text: String) {
    if let first = text.first, "{[\"".contains(first), let value = try? JSONValue(parsing: text) {
      self = value
    } else {
      self = .string(text)
    }
  }
}
