import CasebusAccess
import CasebusJournal
import CasebusProtocol

/// Who said something: a session, its principal, and what the client said about its message. Commands carry it instead of
/// the session, and answers go to it.
struct Caller: Sendable {
  var session: SessionKey
  /// Who the session acts for.
  var principal = Principal.anonymous
  /// Whether it sees all workspaces and is in none.
  var isMonitor = false
  /// The workspace that a monitor's request or publish names; its answer names it, too.
  var workspaceID: WorkspaceID?
  var referenceID: ReferenceID?
  var messageID: Identifier?
  /// How long the client's message was.
  var messageBytes = 0
  /// Whether answers tell where the workspace stands.
  var wantsPositions = false
  /// The durable consumer that the session is part of.
  var consumer: JournalConsumer.Key?
}
