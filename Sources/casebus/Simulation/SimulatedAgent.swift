import CasebusClient
import CasebusProtocol
import CasebusWorkspace
import NIOCore

/// An agent at work in one workspace, as three clients of the broker: the source that tells what happens to the agent's
/// interactions, the desktop, and a bot that watches over the wrap-up.
struct SimulatedAgent {
  let workspace: WorkspaceID
  let source: CasebusClient
  let desktop: CasebusClient
  let bot: CasebusClient
  let tally: Tally
  let ended = EndedInteractions()

  /// Connects all three.
  /// - Throws: ``CommandFailure`` if the broker cannot be reached.
  init(workspace: WorkspaceID, broker: BrokerAddress, tally: Tally) async throws {
    self.workspace = workspace
    self.tally = tally
    source = try await broker.connect(to: .workspace(workspace))
    desktop = try await broker.connect(to: .workspace(workspace))
    bot = try await broker.connect(to: .workspace(workspace))
  }

  /// Works until it is cancelled.
  /// - Throws: ``ClientError`` if a connection is lost, `CancellationError`.
  func work(_ scenario: AgentScenario, pace: Pace) async throws {
    for client in [desktop, bot] { _ = try await client.subscribe(to: ["interaction", "markdone"]) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await watchDesktop() }
      group.addTask { try await runBot() }
      group.addTask { try await play(scenario, pace: pace) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// Ends what is open of the simulator's interactions, and leaves all others alone.
  func endInteractions() async throws(ClientError) {
    for interaction in try await desktop.request("interaction.getInteractions").arrayValue ?? [] {
      guard case .interaction(let state, let id, _, _) = BusEvent(interaction: interaction),
        id.hasPrefix(ScriptedInteraction.idPrefix)
      else { continue }
      try await end(id, state)
    }
  }

  func disconnect() async {
    for client in [bot, desktop, source] { await client.close() }
  }

  private func end(_ id: String, _ state: InteractionState) async throws(ClientError) {
    do {
      for state in state.wayOut {
        let message = JSONValue.object([
          "eventType": .string(state.rawValue), "interaction": ["interactionId": .string(id)],
        ])
        try await source.publish("interaction", message)
      }
    } catch ClientError.refused {
      // Somebody else was quicker.
    }
  }
}

// MARK: - Events

extension SimulatedAgent {
  private func watchDesktop() async throws {
    try await desktop.forEachEvent { event in
      tally.count(\.events)
      if case .interaction(let state, let id, _, _) = event, StateRule.of(state).isTerminal { ended.insert(id) }
    }
  }

  private func runBot() async throws {
    var machine = WrapUpBot()
    try await bot.forEachEvent { event in
      tally.count(\.events)
      switch machine.eventReceived(event) {
      case .block(let id): try await ask("interaction.blockMarkdone", [.string(id), .string(WrapUpBot.warning)])
      case .unblock(let id): try await ask("interaction.unblockMarkdone", [.string(id)])
      case .none: break
      }
    }
  }

  /// A request of the bot.
  private func ask(_ request: String, _ parameters: [JSONValue]) async throws(ClientError) {
    do {
      tally.count(\.botRequests)
      _ = try await bot.request(request, parameters)
    } catch .refused(let code, _) where code == ErrorCode.interactionNotFound.rawValue {
      // It ended before the bot could react.
    } catch .refused(let code, let message) {
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
    // The events end with the connection; a request fails with the reason.
    _ = try await request("system.getAllowedServices")
  }
}
