import CasebusClient
import CasebusProtocol
import CasebusWorkspace

extension SimulatedAgent {
  /// Ends the open interactions of the simulator, and no others. It also leaves those that another client blocks, because
  /// ending them would make the block look ineffective; their steps are skipped.
  func endInteractions() async throws(ClientError) {
    let clients = try await connected()
    for interaction in try await clients.desktop.request("interaction.getInteractions").arrayValue ?? [] {
      guard case .interaction(let state, let id, _, _) = BusEvent(interaction: interaction),
        id.hasPrefix(ScriptedInteraction.idPrefix)
      else { continue }
      try await end(id, state, clients)
    }
  }

  private func end(_ id: String, _ state: InteractionState, _ clients: AgentClients) async throws(ClientError) {
    do {
      for client in [clients.bot, clients.desktop] {
        _ = try await client.request("interaction.unblockMarkdone", [.string(id)])
      }
      for state in state.wayOut { try await take(state, of: id, clients) }
    } catch .refused(let code, _) where code == ErrorCode.markdoneBlocked.rawValue {
      ended.insert(id)
    } catch ClientError.refused {
      // Another client was faster.
    }
  }

  private func take(_ state: InteractionState, of id: String, _ clients: AgentClients) async throws(ClientError) {
    guard state != .completed else {
      _ = try await clients.desktop.request("interaction.markdone", [.string(id)])
      return
    }
    let message: JSONValue = ["eventType": .string(state.rawValue), "interaction": ["interactionId": .string(id)]]
    try await clients.source.publish("interaction", message)
  }
}
