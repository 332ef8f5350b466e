import CasebusAccess
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace

/// What a session tells the host of a workspace. The messages of a session reach a host in the order in which they were
/// sent.
enum HostMessage: Sendable {
  /// A session opened; the workspace comes into memory for it.
  case attach(SessionKey, Principal)
  /// A client said something.
  case said(Result<ClientMessage.Content, Failure>, Caller)
  /// A monitor said something for the workspace, which comes into memory for it.
  case saidByMonitor(Result<ClientMessage.Content, Failure>, Caller)
  /// The replay of a subscription has read everything up to an offset.
  case replayRead(SubscriptionID, through: JournalOffset, Caller)
  /// A replay was given up.
  case replayGivenUp(SessionKey)
  /// A session is part of a durable consumer from now on.
  case consumerJoined(JournalConsumer.Key, SessionKey)
  /// A session is no longer part of a durable consumer; what it was working on if its connection ended.
  case consumerLeft(JournalConsumer.Key, SessionKey, Session.Leaving, SessionWorkload.Work?)
  /// A session is gone, and with it the blocks that are its own.
  case detach(SessionKey)
}
