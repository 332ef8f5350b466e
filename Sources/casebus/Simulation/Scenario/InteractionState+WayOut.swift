import CasebusProtocol
import CasebusWorkspace

extension InteractionState {
  /// The states through which an interaction that is in this state ends, when it must go at once: the source says them, but
  /// for COMPLETED, which the agent brings about by marking it done.
  var wayOut: [InteractionState] {
    let rule = StateRule.of(self)
    if rule.next.contains(.completed) { return [.completed] }
    if rule.next.contains(.idle) { return [.idle, .completed] }
    if let end = [.revoked, .canceled].first(where: rule.next.contains) { return [end] }
    // A transient state does not tell what it is about.
    return [.error, .completed]
  }
}
