import Synchronization

/// The interactions of which a desktop has seen the last event lately.
final class EndedInteractions: Sendable {
  /// An agent has a handful of interactions open; more than enough to still know each when its next step comes.
  private static let countMax = 256

  private let ids = Mutex<[String]>([])

  func insert(_ id: String) {
    ids.withLock { ids in
      if ids.count == Self.countMax { ids.removeFirst() }
      ids.append(id)
    }
  }

  func contains(_ id: String) -> Bool {
    ids.withLock { $0.contains(id) }
  }
}
