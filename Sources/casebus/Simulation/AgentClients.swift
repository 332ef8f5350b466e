import CasebusClient
import CasebusProtocol

/// The three clients of an agent in one workspace: the source that publishes the states of interactions, the desktop, and a
/// bot that guards the wrap-up.
struct AgentClients {
  let source: CasebusClient
  let desktop: CasebusClient
  let bot: CasebusClient

  /// Connects all three, or none.
  /// - Throws: ``ClientError``.
  static func connect(to broker: BrokerAddress, _ workspace: WorkspaceID) async throws(ClientError) -> AgentClients {
    var clients: [CasebusClient] = []
    do throws(ClientError) {
      while clients.count < 3 { clients.append(try await broker.client(of: .workspace(workspace))) }
    } catch {
      for client in clients { await client.close() }
      throw error
    }
    return AgentClients(source: clients[0], desktop: clients[1], bot: clients[2])
  }

  func disconnect() async {
    for client in [bot, desktop, source] { await client.close() }
  }
}
