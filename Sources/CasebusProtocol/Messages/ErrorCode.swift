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

/// Why a command failed; a failed command changes nothing (Protocol §11).
public struct Failure: Error, Hashable, Sendable {
  /// The code, for programs.
  public var code: ErrorCode
  /// The text for people: what was wrong, the value, and what would be right.
  public var message: String

  /// - Parameter message: loses its middle if it is longer than ``messageBytesMax``, because it can quote what a client sent.
  ///   The message of `markdone_blocked` is a client's warning and is never shortened (Protocol §8.3).
  public init(_ code: ErrorCode, _ message: String) {
    self.code = code
    self.message = code == .markdoneBlocked ? message : message.shortened(toBytes: Self.messageBytesMax)
  }

  /// `errorMessageBytesMax` of `registry/limits.json`.
  public static let messageBytesMax = 2048
}

extension String {
  /// The text, without its middle if it is longer.
  fileprivate func shortened(toBytes limit: Int) -> String {
    guard utf8.count > limit else { return self }
    let gap = " … "
    let half = (limit - gap.utf8.count) / 2
    // An index inside of a scalar counts as its start, so the second half begins after that scalar.
    let end = unicodeScalars.index(after: utf8.index(endIndex, offsetBy: -half))
    return self[..<utf8.index(startIndex, offsetBy: half)] + gap + self[end...]
  }
}
