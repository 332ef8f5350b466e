/// How one event loop speaks of a session that lives on another: by number, never by reference.
struct SessionKey: Hashable, Sendable {
  /// The index of the session's loop in the broker.
  var loop: Int
  /// Unique on its loop for the lifetime of the broker.
  var number: UInt64
}
