/// Why an action is not allowed.
package struct AccessDenial: Error, Hashable, Sendable {
  /// The code for programs, the same for every denial.
  package static let code = "permission_denied"

  /// What was denied, to which role, and what would be right.
  package let message: String

  package init(_ message: String) {
    self.message = message
  }
}
