import Synchronization

/// The room of one session among `sessionsMax`: taken before its connection is told that it is welcome, given back when the
/// session ends or, at the latest, when this is forgotten.
package final class SessionReservation: Sendable {
  private let tally: Tally
  private let isHeld = Atomic(true)

  init(_ tally: Tally) {
    self.tally = tally
  }

  deinit {
    release()
  }

  func release() {
    if isHeld.exchange(false, ordering: .relaxed) { tally.remove() }
  }
}
