import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// A workspace under test: commands are decided and made so, and the time stands still until it is moved.
struct Desk {
  var workspace: Workspace
  var now = Timestamp(milliseconds: 1_000_000)
  private(set) var history: [WorkspaceEvent] = []
  /// When each event of the history was decided.
  private(set) var times: [Timestamp] = []

  init(rules: WorkspaceRules = WorkspaceRules()) {
    workspace = Workspace(rules: rules)
  }

  @discardableResult
  mutating func run(_ command: Command, by blocker: Blocker = .session("s")) throws -> [WorkspaceEvent] {
    let events = try workspace.decide(command, by: blocker, at: now)
    apply(events)
    return events
  }

  @discardableResult
  mutating func assert(
    _ state: InteractionState, _ id: String = "1", _ attributes: JSONObject = [:]
  ) throws -> [WorkspaceEvent] {
    var attributes = attributes
    attributes["interactionId"] = .string(id)
    return try run(.assertState(state, attributes: attributes))
  }

  /// Moves the time, and decides what it leads to.
  @discardableResult
  mutating func wait(milliseconds: Int64) -> [WorkspaceEvent] {
    now = now.advanced(byMilliseconds: milliseconds)
    let events = workspace.deadlineReached(at: now)
    apply(events)
    return events
  }

  private mutating func apply(_ events: [WorkspaceEvent]) {
    let eventTime = workspace.eventTime(at: now)
    for event in events { workspace.evolve(event, at: eventTime) }
    times += events.map { _ in eventTime }
    history += events
  }

  /// A desk with one interaction in this state; nil for a state in which none can be.
  static func with(_ state: InteractionState) throws -> Desk? {
    var desk = Desk()
    let rule = StateRule.of(state)
    if rule.isTerminal { return nil }
    if rule.isTransient { try desk.assert(.talking) }
    try desk.assert(state)
    return desk
  }
}

extension WorkspaceEvent {
  /// The event as clients see it, as `name data`.
  var text: String {
    var buffer = ByteBuffer()
    writeData(into: &buffer)
    return "\(name) \(String(buffer: buffer))"
  }

  /// What the event is about: `interaction TALKING`, `markdone MARKED_DONE`, …
  var title: String {
    let data = try! JSONValue(parsing: String(text.drop { $0 != " " }))
    return "\(name) \(data["eventType"]?.stringValue ?? "-")"
  }
}
