import CasebusProtocol

extension StoredEvent {
  /// The kind of an event from a journal before schema 4, which stored none (or from its export). It is inferred from
  /// the event name and the members that events had then.
  ///
  /// Newer events are stored with their kind, so this never grows.
  func inferredKind() throws(ReplayError) -> String {
    switch name {
    case .interaction:
      if data["interaction"]?.objectValue == nil { return CaseEvent.RecordKind.case.rawValue }
      if detail["isUserData"] == true { return InteractionEvent.RecordKind.userData.rawValue }
      return InteractionEvent.RecordKind.interaction.rawValue
    case .markdone:
      let eventType = try data.text("eventType")
      guard let kind = MarkdoneEvent.RecordKind.allCases.first(where: { $0.eventType.hasSameBytes(as: eventType) })
      else { throw ReplayError("unknown eventType \(eventType)") }
      return kind.rawValue
    case .agent, .media, .outbound, .system, .messenger: return RelayedEvent.RecordKind.relayed.rawValue
    }
  }
}
