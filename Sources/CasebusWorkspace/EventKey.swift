package import CasebusProtocol

/// What events belong to: a durable consumer gives those of one key to one session, in order (Protocol §9.3).
package enum EventKey: Hashable, Sendable {
  case interaction(Identifier)
  case caseID(Identifier)
}
