/// The requests about interactions and cases (Protocol §10.1 to §10.8).
enum InteractionRequests {
  static let signatures = [
    RequestSignature("interaction.getInteractions", on: .oneWorkspace, .read),
    RequestSignature("interaction.getByInteractionId", [interactionID], on: .oneWorkspace, .read),
    RequestSignature(
      "interaction.setUserData", [interactionID, RequestParameter("keyValues", .object)], on: .oneWorkspace, .write),
    RequestSignature(
      "interaction.deleteUserData", [interactionID, RequestParameter("key", .string)], on: .oneWorkspace, .write),
    RequestSignature(
      // The seed document spells the method this way, too.
      "interaction.selectCaseByCaseId", aliases: ["interaction.selectCaseByCaselId"],
      [RequestParameter("caseId", .identifier)], on: .oneWorkspace, .write),
    RequestSignature("interaction.markdone", [interactionID], on: .oneWorkspace, .write),
    RequestSignature(
      "interaction.blockMarkdone", [interactionID, RequestParameter("warningMessage", .string)], on: .oneWorkspace,
      .write),
    RequestSignature("interaction.unblockMarkdone", [interactionID], on: .oneWorkspace, .write),
  ]

  private static var interactionID: RequestParameter { RequestParameter("interactionId", .identifier) }
}
