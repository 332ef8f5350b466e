package import CasebusProtocol

/// Which workspaces a principal works on: one id, those that begin alike (`team-a.*`), or `*`.
package enum WorkspacePattern: Hashable, Sendable, CustomStringConvertible {
  case all
  /// Includes the last dot: `team-a.`.
  case prefix(String)
  case exactly(WorkspaceID)

  /// - Returns: nil unless the text is `*`, a workspace id, or a workspace id followed by `.*`.
  package init?(_ text: String) {
    if text.hasSameBytes(as: "*") {
      self = .all
    } else if text.utf8.count > 2, text.utf8.suffix(2).elementsEqual(".*".utf8) {
      // One byte is left for the rest of an id.
      let beginning = String(text.dropLast())
      guard beginning.utf8.count < 64, WorkspaceID(beginning) != nil else { return nil }
      self = .prefix(beginning)
    } else {
      guard let workspace = WorkspaceID(text) else { return nil }
      self = .exactly(workspace)
    }
  }

  package func matches(_ workspace: WorkspaceID) -> Bool {
    switch self {
    case .all: true
    case .prefix(let beginning):
      workspace.text.utf8.count > beginning.utf8.count && workspace.text.hasBytePrefix(beginning)
    case .exactly(let id): workspace == id
    }
  }

  /// Whether this pattern matches every workspace that another one matches.
  package func includes(_ other: WorkspacePattern) -> Bool {
    switch (self, other) {
    case (.all, _): true
    case (_, .all): false
    case (_, .exactly(let workspace)): matches(workspace)
    case (.prefix(let beginning), .prefix(let longer)): longer.hasBytePrefix(beginning)
    case (.exactly, .prefix): false
    }
  }

  package var description: String {
    switch self {
    case .all: "*"
    case .prefix(let beginning): beginning + "*"
    case .exactly(let workspace): workspace.text
    }
  }
}
