import ArgumentParser
import CasebusClient
import CasebusProtocol

/// The options of a subscription (Protocol §4.2, §9).
struct SubscriptionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Names, separated by commas: agent, interaction, markdone, media, outbound, system, messenger:<channel>.",
      valueName: "names"))
  var events = "interaction,markdone"

  @Flag(help: "Print the position of each event: offset and epoch.")
  var positions = false

  @Option(
    help: ArgumentHelp("Begin after this position: EPOCH:OFFSET, or beginning.", valueName: "position"),
    transform: ResumePoint.init(commandLine:))
  var since: ResumePoint?

  @Option(help: ArgumentHelp("Join this durable consumer; it is created if it is new.", valueName: "name"))
  var durable: String?

  @Flag(help: "Acknowledge each event of a durable consumer after it is printed.")
  var ack = false

  func validate() throws {
    if ack, durable == nil { throw ValidationError("--ack is for a durable consumer, expected --durable <name> too") }
    if let durable, ConsumerName(durable) == nil {
      throw ValidationError("--durable is \"\(durable)\", expected 1 to 64 of A-Z a-z 0-9 . _ -")
    }
  }

  func subscribe(_ client: CasebusClient) async throws(ClientError) -> SubscribeResult {
    try await client.subscribe(to: names, positions: positions, since: since, durable: durable)
  }

  func resumingClient(_ connect: @escaping ResumingClient.Connect) -> ResumingClient {
    ResumingClient(to: names, since: since, durable: durable, connect: connect)
  }

  private var names: [String] { events.split(separator: ",").map(String.init) }
}

extension ResumePoint {
  /// A position as users write it.
  /// - Throws: `ValidationError` with the right form.
  fileprivate init(commandLine text: String) throws {
    if text == "beginning" {
      self = .beginning
    } else if let colon = text.lastIndex(of: ":"), let offset = UInt64(text[text.index(after: colon)...]),
      offset <= Int64.max
    {
      self = .after(StreamPosition(offset: offset, epoch: String(text[..<colon])))
    } else {
      throw ValidationError("\"\(text)\" is no position, expected beginning or EPOCH:OFFSET")
    }
  }
}
