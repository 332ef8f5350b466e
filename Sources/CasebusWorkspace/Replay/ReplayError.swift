/// Why a stored event or snapshot cannot be read.
package struct ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) {
    self.description = description
  }
}
