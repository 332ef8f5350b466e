import CasebusJournal
import CasebusProtocol
import Synchronization

/// The durable consumers of a broker, known to all of its loops: which there are, who is part of them, and how far they
/// are in workspaces that are not in memory.
///
/// A consumer is changed (made, deleted) by one at a time; others wait until that is settled.
final class ConsumerDirectory: Sendable {
  typealias Continuation = @Sendable () -> Void

  let journal: any EventJournal
  let content = Mutex(Content())

  init(journal: any EventJournal) {
    self.journal = journal
  }

  struct Content {
    var loading = Loading.none
    /// By the workspace, nil for consumers of all, and by name.
    private(set) var registrations: [WorkspaceID?: [String: Registration]] = [:]
    private(set) var count = 0

    subscript(key: JournalConsumer.Key) -> Registration? {
      get { registrations[key.workspace]?[key.name] }
      set {
        count += (newValue == nil ? 0 : 1) - (registrations[key.workspace]?[key.name] == nil ? 0 : 1)
        registrations[key.workspace, default: [:]][key.name] = newValue
        if registrations[key.workspace]?.isEmpty == true { registrations[key.workspace] = nil }
      }
    }
  }

  struct Registration {
    let consumer: JournalConsumer
    var stage = Stage.present
    /// How far it is in workspaces that have events for it; those in memory know better.
    var positions: [WorkspaceID: JournalOffset] = [:]
    /// Parked events of workspaces that are not in memory that are to be given again.
    var again: [WorkspaceID: [JournalOffset]] = [:]
    /// In the order in which they joined.
    var sessions = UniqueQueue<SessionKey>()
  }

  enum Stage {
    /// The journal is being told; for workspaces it does not exist yet.
    case making(waiting: [Continuation])
    /// It exists, but not all loops know it yet; or the journal is being told to forget it.
    case changing(waiting: [Continuation])
    case present
  }

  /// What a consumer is to a workspace that comes into memory.
  struct Coverage {
    var consumer: JournalConsumer
    /// nil if nothing follows it.
    var position: JournalOffset?
    /// Parked events that are to be given again.
    var again: [JournalOffset]
    var sessions: [SessionKey]
  }
}

// MARK: - Changes

extension ConsumerDirectory {
  enum Entrance {
    case present(JournalConsumer)
    /// The consumer is being changed; the continuation is called when it is settled.
    case wait
    /// There is none: the caller is to make it, and then to ``announce(_:positions:)`` and ``settle(_:)`` it, or to
    /// ``abandon(_:)`` it.
    case make
    /// There is none, and there may be no more.
    case full
  }

  func enter(_ consumer: JournalConsumer, limit: Int, whenSettled: @escaping Continuation) -> Entrance {
    content.withLock { content in
      guard let registration = content[consumer.key] else {
        guard content.count < limit else { return .full }
        content[consumer.key] = Registration(consumer: consumer, stage: .making(waiting: []))
        return .make
      }
      return content.waits(for: registration, whenSettled) ? .wait : .present(registration.consumer)
    }
  }

  /// The consumer exists in the journal; from now on workspaces that come into memory have it.
  func announce(_ key: JournalConsumer.Key, positions: [WorkspaceID: JournalOffset]) {
    content.withLock { content in
      guard case .making(let waiting) = content[key]?.stage else { preconditionFailure("announced without being made") }
      content[key]?.stage = .changing(waiting: waiting)
      content[key]?.positions = positions
    }
  }

  /// A change is over, or came to nothing: the consumer is there for everybody.
  func settle(_ key: JournalConsumer.Key) {
    let waiting = content.withLock { content in
      let waiting = content[key]?.stage.waiting ?? []
      content[key]?.stage = .present
      return waiting
    }
    for continuation in waiting { continuation() }
  }

  /// The making came to nothing.
  func abandon(_ key: JournalConsumer.Key) {
    _ = remove(key)
  }

  enum Deletion {
    case absent
    case wait
    /// The caller is to have the journal forget it, and then to ``remove(_:)`` or to ``settle(_:)`` it.
    case delete
  }

  func beginDeletion(of key: JournalConsumer.Key, whenSettled: @escaping Continuation) -> Deletion {
    content.withLock { content in
      guard let registration = content[key] else { return .absent }
      if content.waits(for: registration, whenSettled) { return .wait }
      content[key]?.stage = .changing(waiting: [])
      return .delete
    }
  }

  /// The consumer is no more.
  /// - Returns: the sessions that it had.
  func remove(_ key: JournalConsumer.Key) -> [SessionKey] {
    let registration = content.withLock { content in
      let registration = content[key]
      content[key] = nil
      return registration
    }
    for continuation in registration?.stage.waiting ?? [] { continuation() }
    return registration?.sessions.elements ?? []
  }
}

extension ConsumerDirectory.Content {
  /// Whether a consumer is being changed; then the continuation is kept until that is over.
  fileprivate mutating func waits(
    for registration: ConsumerDirectory.Registration, _ continuation: @escaping ConsumerDirectory.Continuation
  ) -> Bool {
    switch registration.stage {
    case .present: return false
    case .making(let waiting): self[registration.consumer.key]?.stage = .making(waiting: waiting + [continuation])
    case .changing(let waiting): self[registration.consumer.key]?.stage = .changing(waiting: waiting + [continuation])
    }
    return true
  }
}

extension ConsumerDirectory.Stage {
  fileprivate var waiting: [ConsumerDirectory.Continuation] {
    switch self {
    case .present: []
    case .making(let waiting), .changing(let waiting): waiting
    }
  }

  var isVisible: Bool { if case .making = self { false } else { true } }
}
