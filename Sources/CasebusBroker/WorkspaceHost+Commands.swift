import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore

extension WorkspaceHost {
  /// Decides a command; the answer given is that of success.
  func execute(
    _ command: Command, by blocker: Blocker, asker: Outcome.Asker, answer: Outcome.Answer? = nil
  ) throws(Failure) {
    // A timer may be late, a deadline is not: what is due comes before the command.
    deadlineReached()
    let events = try current.decide(command, by: blocker, at: loop.now)
    if let refusal = events.first?.refusal {
      apply(events, Outcome(asker: asker, answer: .frame(.failure(to: asker.referenceID, refusal))))
    } else {
      apply(events, Outcome(asker: asker, answer: answer ?? .frame(.response(to: asker.referenceID))))
    }
  }

  /// A command that nobody waits for.
  func run(_ command: Command, by blocker: Blocker) {
    deadlineReached()
    guard let events = try? current.decide(command, by: blocker, at: loop.now), !events.isEmpty else { return }
    apply(events, Outcome(asker: nil, answer: .silent))
  }

  func finish(_ asker: Outcome.Asker, writeData: (inout ByteBuffer) -> Void) throws(Failure) {
    let frame = TextFrame.response(to: asker.referenceID, writeData: writeData)
    let limit = loop.configuration.answerBytesMax
    guard frame.messageBytes <= limit else {
      throw Failure(
        .limitExceeded,
        "the answer would have \(frame.messageBytes) bytes, allowed are \(limit) (answerBytesMax), ask for less at a time"
      )
    }
    finish(Outcome(asker: asker, answer: .frame(frame)))
  }

  /// Nothing was decided, but the answer keeps its place in the order.
  func finish(_ outcome: Outcome) {
    uncommittedOutcomes += 1
    loop.commit(outcome, records: [], events: [], of: self)
  }

  /// Makes events so, and gives them to the commit together with the answer.
  func apply(_ events: [WorkspaceEvent], _ outcome: Outcome) {
    var outcome = outcome
    let time = loop.now.milliseconds
    var records: [JournalRecord] = []
    for event in events {
      current.evolve(event)
      var data = ByteBuffer()
      event.writeData(into: &data)
      currentOffset += 1
      records.append(JournalRecord(offset: currentOffset, time: time, event: event.name.description, data: data))
      outcome.events.append(EncodedEvent(event.name, data: data, workspace: id))
    }
    uncommittedOutcomes += 1
    loop.commit(outcome, records: records, events: events, of: self)
    updateDeadline()
  }

  /// The events of one outcome are durable.
  func committed(_ events: [WorkspaceEvent]) {
    for event in events { durable.evolve(event) }
    durableOffset += JournalOffset(events.count)
    uncommittedOutcomes -= 1
    leaveIfIdle()
  }

  /// The journal failed: one outcome, and with it everything that is not durable, never happened.
  func rollBack() {
    current = durable
    currentOffset = durableOffset
    uncommittedOutcomes -= 1
    updateDeadline(noSoonerThan: .seconds(1))
    leaveIfIdle()
  }
}
