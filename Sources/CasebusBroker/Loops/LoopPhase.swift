/// What a loop is doing for all of its sessions and workspaces: one of these at a time, never one inside another.
///
/// A commit that began inside a release would be released before the rest of what was committed earlier, and events
/// would come out of order. So only the tick begins these (``BrokerLoop/scheduleTick()``), and what they call only adds to
/// the next tick (Docs/internals/threading.md).
enum LoopPhase {
  /// Sessions say something, timers fire, workspaces decide.
  case idle
  /// A batch is given to the journal.
  case committing
  /// What became durable is put into the inboxes of the loops that it concerns.
  case releasing
  /// Sessions get answers; groups gather events.
  case delivering
  /// Groups are given what they gathered.
  case flushing
}
