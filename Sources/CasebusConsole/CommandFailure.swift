/// Ends a command with status 1 and this text on standard error.
package struct CommandFailure: Error, CustomStringConvertible {
  package var description: String

  package init(_ description: String) {
    self.description = description
  }
}
