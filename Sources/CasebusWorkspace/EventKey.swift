package import CasebusProtocol

/// The key of an event: a durable consumer delivers the events of one key to one session, in order (Protocol §9.3).
package enum EventKey: Hashable, Sendable {
  case interaction(Identifier)
  case caseID(Identifier)
}
