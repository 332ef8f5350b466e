package import CasebusProtocol

/// Who somebody acts for when he uses the broker.
package struct Principal: Hashable, Sendable {
  /// nil if he is anonymous.
  package var name: Identifier?

  package init(name: Identifier? = nil) {
    self.name = name
  }

  package static let anonymous = Principal()
}
