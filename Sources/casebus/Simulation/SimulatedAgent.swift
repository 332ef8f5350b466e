import CasebusClient
import CasebusConsole
import CasebusProtocol
import CasebusWorkspace
import Synchronization

/// An agent at work in one workspace, over any number of connections.
final class SimulatedAgent: Sendable {
  let workspace: WorkspaceID
  let tally: Tally
  let progress: AgentProgress
  let ended = EndedInteractions()
  private let broker: BrokerAddress
  private let clients = Mutex<AgentClients?>(nil)
  private static let backoff = Backoff(longest: .seconds(5))

  init(workspace: WorkspaceID, scenario: AgentScenario, broker: BrokerAddress, tally: Tally) {
    self.workspace = workspace
    self.broker = broker
    self.tally = tally
    progress = AgentProgress(scenario)
  }

  /// Connects for the first time, and ends the interactions of an earlier simulator.
  /// - Throws: ``CommandFailure`` if the broker cannot be reached; ``ClientError``.
  func begin() async throws {
    // Its error says more than the client's about a failed connection.
    await (try broker.connect(to: .workspace(workspace))).close()
    try await endInteractions()
  }

  /// Works until it is cancelled; after a lost connection it waits for the broker and continues.
  /// - Throws: ``ClientError`` if reconnecting would fail again; `CancellationError`.
  func work(pace: Pace) async throws {
    var failures = 0
    while true {
      try Task.checkCancellation()
      do {
        let clients = try await connected()
        try await findLost(clients)
        failures = 0
        try await work(clients, pace: pace)
      } catch let error as ClientError where error.isWorthAnotherTry {
        await connectionLost(error)
        var random = SystemRandomNumberGenerator()
        try await Task.sleep(for: Self.backoff.delay(afterFailures: failures, using: &random))
        failures += 1
      }
    }
  }

  func disconnect() async {
    await takeClients()?.disconnect()
  }

  /// The connected clients, or new ones.
  func connected() async throws(ClientError) -> AgentClients {
    if let clients = clients.withLock({ $0 }) { return clients }
    let connected = try await AgentClients.connect(to: broker, workspace)
    clients.withLock { $0 = connected }
    return connected
  }

  private func connectionLost(_ error: ClientError) async {
    guard let lost = takeClients() else { return }
    tally.connectionLost("\(workspace): \(error); connecting again")
    await lost.disconnect()
  }

  private func takeClients() -> AgentClients? {
    clients.withLock { clients in
      defer { clients = nil }
      return clients
    }
  }

  private func findLost(_ clients: AgentClients) async throws(ClientError) {
    let interactions = try await clients.desktop.request("interaction.getInteractions").arrayValue ?? []
    let known = Set(interactions.compactMap { $0["interactionId"]?.stringValue })
    for id in progress.takeLost(known: known) { ended.insert(id) }
  }

  private func work(_ clients: AgentClients, pace: Pace) async throws {
    for client in [clients.desktop, clients.bot] { _ = try await client.subscribe(to: ["interaction", "markdone"]) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.watch(clients.desktop) }
      group.addTask { try await self.runBot(clients.bot) }
      group.addTask { try await self.play(clients, pace: pace) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}

// MARK: - Events

extension SimulatedAgent {
  private func watch(_ desktop: CasebusClient) async throws {
    try await desktop.forEachEvent { event in
      tally.count(\.events)
      guard case .interaction(let state, let id, _, _) = event, StateRule.of(state).isTerminal else { return }
      ended.insert(id)
      progress.ended(id)
    }
  }

  private func runBot(_ client: CasebusClient) async throws {
    var bot = WrapUpBot()
    // Catches up: the bot's blocks ended with its session.
    for interaction in try await client.request("interaction.getInteractions").arrayValue ?? [] {
      try await react(to: BusEvent(interaction: interaction), with: &bot, client)
    }
    try await client.forEachEvent { event in
      tally.count(\.events)
      try await react(to: event, with: &bot, client)
    }
  }

  private func react(
    to event: BusEvent, with bot: inout WrapUpBot, _ client: CasebusClient
  ) async throws(ClientError) {
    switch bot.eventReceived(event) {
    case .block(let id): try await ask(client, "interaction.blockMarkdone", [.string(id), .string(WrapUpBot.warning)])
    case .unblock(let id): try await ask(client, "interaction.unblockMarkdone", [.string(id)])
    case .none: break
    }
  }

  /// A request of the bot.
  private func ask(_ bot: CasebusClient, _ request: String, _ parameters: [JSONValue]) async throws(ClientError) {
    do {
      tally.count(\.botRequests)
      _ = try await bot.request(request, parameters)
    } catch .refused(let code, _) where code == ErrorCode.interactionNotFound.rawValue {
      // It ended before the bot could react.
    } catch .refused(let code, let message) where !ClientError.refused(code: code, message: message).isWorthAnotherTry {
      tally.failed("\(workspace): bot: \(request): \(message) (\(code))")
    }
  }
}

extension CasebusClient {
  /// Handles every event until the task is cancelled.
  /// - Throws: ``ClientError`` if the connection is lost.
  fileprivate func forEachEvent(_ body: (BusEvent) async throws -> Void) async throws {
    for await event in events { try await body(BusEvent(name: event.name, data: event.data)) }
    guard !Task.isCancelled else { return }
    throw end ?? .connectionLost(code: 1006, reason: "the events have ended")
  }
}
