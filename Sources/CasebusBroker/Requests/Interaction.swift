import CasebusProtocol
import CasebusWorkspace

extension RequestBehavior {
  /// Protocol §10.1 to §10.8.
  static let interaction: [Identifier: RequestBehavior] = [
    "interaction.getInteractions": .read { workspace, _, buffer in
      buffer.writeJSONArray(workspace.interactions) { $0.writeJSON($1) }
    },
    "interaction.getByInteractionId": .read { workspace, request, buffer in
      guard let interaction = workspace.interaction(request.identifier(0)) else { return buffer.writeJSON(.null) }
      buffer.writeJSON(interaction)
    },
    "interaction.setUserData": .command { .setUserData(interactionID: $0.identifier(0), $0.object(1)) },
    "interaction.deleteUserData": .command { .deleteUserData(interactionID: $0.identifier(0), key: $0.string(1)) },
    "interaction.selectCaseByCaseId": .command { .selectCase(caseID: $0.identifier(0)) },
    "interaction.markdone": .command { .markdone(interactionID: $0.identifier(0)) },
    "interaction.blockMarkdone": .command {
      .blockMarkdone(interactionID: $0.identifier(0), warningMessage: $0.string(1))
    },
    "interaction.unblockMarkdone": .command { .unblockMarkdone(interactionID: $0.identifier(0)) },
  ]
}
