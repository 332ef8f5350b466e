import CasebusProtocol
import CasebusWorkspace
import Testing

@testable import CasebusBroker
@testable import casebus

/// A workspace with a wrap-up bot that reacts at once, without a broker and without time.
struct RehearsedDesktop {
  private(set) var workspace = Workspace()
  private(set) var refusals = 0
  private var bot = WrapUpBot()

  /// - Throws: ``Failure`` if the workspace does not allow the step; a mark done that the script expects to be refused may
  ///   be.
  mutating func take(_ step: Step) throws {
    let events = try decide(Self.command(of: step), by: .session("agent"))
    guard let refusal = events.lazy.compactMap(\.refusal).first else { return }
    refusals += 1
    #expect(refusal.code == .markdoneBlocked)
    #expect(step.action == .tryMarkdone, "the last mark done of an interaction meets no block")
  }

  private mutating func decide(_ command: Command, by blocker: Blocker) throws -> [WorkspaceEvent] {
    let events = try workspace.decide(command, by: blocker, at: Timestamp(milliseconds: 0))
    for event in events { workspace.evolve(event, at: Timestamp(milliseconds: 0)) }
    for event in events { try react(to: event) }
    return events
  }

  private mutating func react(to event: WorkspaceEvent) throws {
    switch bot.eventReceived(Self.busEvent(event)) {
    case .block(let id):
      _ = try decide(.blockMarkdone(interactionID: Identifier(id), warningMessage: ""), by: .session("bot"))
    case .unblock(let id): _ = try decide(.unblockMarkdone(interactionID: Identifier(id)), by: .session("bot"))
    case .none: break
    }
  }

  private static func busEvent(_ event: WorkspaceEvent) -> BusEvent {
    switch event {
    case .interaction(let event):
      .interaction(
        state: event.interaction.state, id: event.interaction.interactionID.text,
        isMain: event.interaction.isMainCaseInteraction,
        userData: try! JSONValue(parsing: event.interaction.userData.text).objectValue!)
    // No time passes, so no block expires.
    case .caseChanged, .markdone, .relayed: .other
    }
  }

  /// The command as a broker reads it from the message.
  private static func command(of step: Step) throws -> Command {
    switch step.message {
    case .publish(let data): return try Command(publishing: .interaction, data: PublishedData(data))
    case .request(let name, let parameters):
      let request = Request(name, parameters)
      try request.check(on: .workspace)
      guard case .command(let command) = RequestBehavior.of(request) else {
        preconditionFailure("no script asks \(name)")
      }
      return command(request)
    }
  }
}
