/// The states of an interaction, named as in the Service Client API (Protocol §6.3).
public enum InteractionState: String, CaseIterable, Hashable, Sendable {
  /// An unknown state.
  case unknown = "UNKNOWN"
  /// A non-active interaction which could be closed.
  case idle = "IDLE"
  /// The inbound call is ringing.
  case ringing = "RINGING"
  /// The outbound call is ringing.
  case dialing = "DIALING"
  /// The call is established.
  case talking = "TALKING"
  /// The call is on hold.
  case held = "HELD"
  /// The interaction is a call preview.
  case preview = "PREVIEW"
  /// The open media interaction is inviting.
  case invited = "INVITED"
  /// The open media interaction is accepted.
  case accepted = "ACCEPTED"
  /// The open media interaction has been created.
  case created = "CREATED"
  /// The open media interaction has been pulled from a workbin.
  case pulled = "PULLED"
  /// The open media interaction has been revoked.
  case revoked = "REVOKED"
  /// The interaction has been marked done.
  case completed = "COMPLETED"
  /// The open media interaction has an error.
  case error = "ERROR"
  /// The open media interaction has been saved.
  case saved = "SAVED"
  /// The open media interaction is being transferred.
  case transferring = "TRANSFERRING"
  /// The transfer of the open media interaction has been completed.
  case transferCompleted = "TRANSFER_COMPLETED"
  /// The open media interaction receives a conference invitation.
  case invitedConference = "INVITED_CONFERENCE"
  /// The open media interaction has left the conference.
  case leftConference = "LEFT_CONFERENCE"
  /// Data has been attached to the interaction.
  case userDataAttached = "USER_DATA_ATTACHED"
  /// The attached data has changed in the interaction.
  case userDataUpdated = "USER_DATA_UPDATED"
  /// Trying to join the chat session.
  case joinPending = "JOIN_PENDING"
  /// The connection with the chat server failed.
  case joinFailed = "JOIN_FAILED"
  /// Loading the content of the chat interaction.
  case historyInProgress = "HISTORY_IN_PROGRESS"
  /// The content of the chat interaction has been loaded.
  case historyDone = "HISTORY_DONE"
  /// The outbound e-mail is cancelled.
  case cancelled = "CANCELLED"
  /// The outbound e-mail is sent.
  case sent = "SENT"
  /// The call preview is ready.
  case ready = "READY"
  /// The call preview is cancelled.
  case canceled = "CANCELED"
  /// The call preview is rejected.
  case rejected = "REJECTED"
}
