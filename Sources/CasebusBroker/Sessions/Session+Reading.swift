/// Reading in moderation (`commandsInFlightMax`, `messageBytesInFlightMax`).
extension Session {
  /// Messages that were passed on and wait for somebody else than this session.
  var unsettled: Int { intake.unanswered - (replay?.waiting.count ?? 0) }

  func pauseReading() {
    if intake.pause() { sink.setReading(false) }
  }

  /// More is read at the end of the tick, if there is room then.
  func readOn() {
    if !machine.isHolding, intake.resumeIfRoom() { loop.resumeReading(self) }
  }

  /// The tick ended. Messages that waited are taken at once.
  func resumeReading() {
    if intake.tickEnded(mayRead: isOpen && !machine.isHolding) { sink.setReading(true) }
  }
}
