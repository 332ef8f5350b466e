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

  /// - Parameter message: shortened in its middle if it is longer than ``messageBytesMax``: it may quote what a client
  ///   sent, and be remembered. That of `markdone_blocked` is somebody's own text and stays whole (Protocol §8.3).
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
    // An index inside of a scalar counts as the start of it, which for the end would keep too much.
    let end = unicodeScalars.index(after: utf8.index(endIndex, offsetBy: -half))
    return self[..<utf8.index(startIndex, offsetBy: half)] + gap + self[end...]
  }
}
