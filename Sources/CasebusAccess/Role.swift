/// What a principal is to the broker. The raw values are those of the claim `casebus.role` and of
/// `Protocol/registry/permissions.json`.
package enum Role: String, CaseIterable, Hashable, Sendable {
  /// A person at a desktop, or what acts for him in his browser.
  case agent
  /// A program that reacts to events, such as one that marks interactions done.
  case bot
  /// Looks and changes nothing: a dashboard.
  case monitor
  /// Publishes the truth about interactions: a telephony adapter.
  case source
  /// Carries out requests that the broker cannot decide itself.
  case provider
  /// Changes the broker itself.
  case admin
}
