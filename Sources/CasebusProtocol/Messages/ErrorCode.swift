/// The codes of failures (`Protocol/registry/errors.json`).
public enum ErrorCode: String, CaseIterable, Hashable, Sendable {
  case malformedMessage = "malformed_message"
  case invalidMessage = "invalid_message"
  case unsupportedProtocolVersion = "unsupported_protocol_version"
  case unknownRequest = "unknown_request"
  case unknownEvent = "unknown_event"
  case invalidParameters = "invalid_parameters"
  case interactionNotFound = "interaction_not_found"
  case caseNotFound = "case_not_found"
  case subscriptionNotFound = "subscription_not_found"
  case consumerNotFound = "consumer_not_found"
  case illegalTransition = "illegal_transition"
  case illegalState = "illegal_state"
  case markdoneBlocked = "markdone_blocked"
  case notPublishable = "not_publishable"
  case workspaceRequired = "workspace_required"
  case limitExceeded = "limit_exceeded"
  case journalUnavailable = "journal_unavailable"
  case shuttingDown = "shutting_down"
}

/// Why something that a client asked for was not done; nothing has changed (Protocol §11).
public struct Failure: Error, Hashable, Sendable {
  public var code: ErrorCode
  /// For people: what was wrong, its value, and what would be right.
  public var message: String

  public init(_ code: ErrorCode, _ message: String) {
    self.code = code
    self.message = message
  }
}
