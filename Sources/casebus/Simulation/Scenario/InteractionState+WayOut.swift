import CasebusProtocol
import CasebusWorkspace

extension InteractionState {
  /// The states through which an interaction in this state ends at once. The source publishes them, except COMPLETED, which
  /// follows when the agent marks the interaction done.
  var wayOut: [InteractionState] {
    let rule = StateRule.of(self)
    if rule.next.contains(.completed) { return [.completed] }
    if rule.next.contains(.idle) { return [.idle, .completed] }
    if let end = [.revoked, .canceled].first(where: rule.next.contains) { return [end] }
    // A transient state does not show the kind of interaction.
    return [.error, .completed]
  }
}
