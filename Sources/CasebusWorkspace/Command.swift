/// A command to a workspace: a source asserts, a client requests, a session ends.
///
/// One case for each domain; each domain has the functions that make its commands.
package enum Command: Hashable, Sendable {
  case interaction(InteractionCommand)
  case cases(CaseCommand)
  case markdone(MarkdoneCommand)
  case relay(RelayCommand)
}
