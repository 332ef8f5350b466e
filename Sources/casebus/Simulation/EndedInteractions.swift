import Synchronization

/// The interactions whose last event a desktop has seen recently.
final class EndedInteractions: Sendable {
  /// An agent has only a few open interactions, so this is enough to know each at its next step.
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
