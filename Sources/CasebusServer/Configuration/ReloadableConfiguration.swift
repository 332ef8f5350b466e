/// What a running broker is configured with, and what a reload changes: everything that can change at run time, or
/// nothing.
package struct ReloadableConfiguration: Sendable {
  /// One key whose value is another one now.
  package struct Change: Hashable, Sendable, CustomStringConvertible {
    package let key: String
    package let old: String
    package let new: String

    package var description: String { "\(key): \(old) → \(new)" }
  }

  package enum OnReload: Equatable, Sendable {
    /// Nothing has changed, because of these.
    case refused([ConfigurationProblem])
    /// The first are in ``current``, the second need a restart.
    case reloaded(changed: [Change], needingRestart: [Change])
  }

  /// What is in use.
  package private(set) var current: ServeConfiguration

  package init(_ configuration: ServeConfiguration) {
    current = configuration
  }

  /// The sources were read again.
  package mutating func reloaded(_ resolution: ConfigurationResolution) -> OnReload {
    guard resolution.problems.isEmpty else { return .refused(resolution.problems) }
    var (changed, needingRestart): ([Change], [Change]) = ([], [])
    var next = current
    for key in ConfigurationTable.keys {
      let (old, new) = (key.read(current), key.read(resolution.configuration))
      guard old != new else { continue }
      let change = Change(key: key.name, old: key.shown(old), new: key.shown(new))
      if key.isReloadable {
        key.copy(resolution.configuration, &next)
        changed.append(change)
      } else {
        needingRestart.append(change)
      }
    }
    current = next
    return .reloaded(changed: changed, needingRestart: needingRestart)
  }
}

extension ConfigurationKey {
  fileprivate func shown(_ values: [String]) -> String {
    if isSecret { return "(not shown)" }
    return values.isEmpty ? absence ?? "none" : ConfigurationProblem.shown(values)
  }
}
