/// Why something that was kept cannot be read again.
package struct ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) {
    self.description = description
  }
}
