import CasebusJournal
import CasebusTestSupport
import CasebusWorkspace
import NIOCore
import Testing

@testable import CasebusBroker

/// Sessions come and go, acknowledge or do not, records come, time passes: whatever the order, the promises of a durable
/// consumer hold. The seed of a failure is in its name.
@Suite struct ConsumerQueueSimulationTests {
  @Test(arguments: 1...60) func promisesHoldWhateverHappens(seed: Int) {
    var simulation = ConsumerSimulation(seed: UInt64(seed))
    for _ in 0..<400 { simulation.step() }
    simulation.finish()
  }
}

/// A queue, and a plain model of what it may do.
private struct ConsumerSimulation {
  var random: SplitMix64
  var now = Timestamp(milliseconds: 1_000_000)
  var queue: ConsumerQueue
  let limits: ConsumerQueue.Limits
  /// Everything that was ever appended; index 0 is offset 1.
  var journal: [ConsumerRecord] = []
  var firstKept: JournalOffset = 1
  var states: [JournalOffset: RecordState] = [:]
  var sessions: [SessionKey] = []
  var sessionsMade: UInt64 = 0
  var read: ConsumerQueue.Read?

  struct RecordState {
    var deliveries = 0
    var holder: SessionKey?
    var deadline = Timestamp(milliseconds: 0)
    var isDone = false
  }

  init(seed: UInt64) {
    random = SplitMix64(seed: seed)
    limits = ConsumerQueue.Limits(
      maxUnacknowledged: .random(in: 1...12, using: &random), maxDeliveries: .random(in: 1...4, using: &random),
      ackTimeoutMilliseconds: 1_000)
    queue = ConsumerQueue(names: ["interaction"], limits: limits, position: 0, last: 0)
  }

  mutating func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<35: append()
    case 35..<65: acknowledge()
    case 65..<75: passTime()
    case 75..<80: join()
    case 80..<84: leave()
    case 84..<85: prune()
    case _: answerRead()
    }
  }

  /// In the end somebody does all the work.
  mutating func finish() {
    if sessions.isEmpty { join() }
    for _ in 0..<10_000 where queue.position < JournalOffset(journal.count) {
      answerRead()
      acknowledge(by: sessions[Int.random(in: sessions.indices, using: &random)], all: true)
    }
    #expect(queue.position == JournalOffset(journal.count) && queue.entries.isEmpty)
    for record in journal where isWanted(record) {
      let state = states[record.offset, default: RecordState()]
      #expect(state.isDone || record.offset < firstKept, "record \(record.offset) was lost")
    }
  }
}

// MARK: - What happens

extension ConsumerSimulation {
  private mutating func append() {
    let keys = ["a", "b", "c", nil]
    let records = (0..<Int.random(in: 1...8, using: &random)).map { index in
      ConsumerRecord.of(
        JournalOffset(journal.count + index + 1), key: keys.randomElement(using: &random)!,
        event: Bool.random(using: &random) ? "interaction" : "agent")
    }
    journal.append(contentsOf: records)
    check(queue.recordsAppended(records, at: now))
  }

  private mutating func join() {
    guard sessions.count < 4 else { return }
    sessionsMade += 1
    let session = SessionKey(loop: 0, number: sessionsMade)
    sessions.append(session)
    check(queue.sessionJoined(session, at: now))
  }

  private mutating func leave() {
    guard let session = sessions.randomElement(using: &random) else { return }
    sessions.removeAll { $0 == session }
    let parked = takeBack { $1.holder == session }
    check(queue.sessionLeft(session, at: now), parked: parked)
  }

  private mutating func acknowledge() {
    guard let session = sessions.randomElement(using: &random) else { return }
    acknowledge(by: session, all: false)
  }

  private mutating func acknowledge(by session: SessionKey, all: Bool) {
    let held = states.filter { $0.value.holder == session }.map(\.key)
    guard let offset = all ? held.max() : held.randomElement(using: &random) else { return }
    for held in held where held <= offset {
      states[held]!.isDone = true
      states[held]!.holder = nil
    }
    do {
      check(try queue.acknowledged(by: session, upTo: offset, at: now))
    } catch {
      Issue.record("\(offset) was delivered: \(error)")
    }
  }

  private mutating func passTime() {
    now = now.advanced(byMilliseconds: .random(in: 1...700, using: &random))
    let due = states.filter { $0.value.holder != nil && $0.value.deadline <= now }
    let repeated = due.filter { $0.value.deliveries < limits.maxDeliveries }.keys
    let keys = journal.map(\.key)
    let parked = takeBack { offset, _ in
      guard due[offset] == nil, let key = keys[Int(offset) - 1] else { return due[offset] != nil }
      return repeated.contains { $0 < offset && keys[Int($0) - 1] == key }
    }
    #expect(due.isEmpty || queue.nextDeadline! <= now)
    check(queue.deadlineReached(at: now), parked: parked)
  }

  private mutating func prune() {
    firstKept = .random(in: firstKept...JournalOffset(journal.count + 1), using: &random)
  }

  private mutating func answerRead() {
    guard let wanted = read else { return }
    read = nil
    if Int.random(in: 0..<10, using: &random) == 0 {
      queue.readFailed()
      check(queue.actions(at: now))
    } else if wanted.after + 1 < firstKept {
      check(queue.recordsPruned(before: firstKept, at: now))
    } else {
      let page = journal.dropFirst(Int(wanted.after)).prefix(.random(in: 1...wanted.limit, using: &random))
      check(queue.recordsRead(Array(page), at: now))
    }
  }

  /// No session has these any more.
  /// - Returns: those among them that were delivered as often as they may be.
  private mutating func takeBack(where isTaken: (JournalOffset, RecordState) -> Bool) -> Set<JournalOffset> {
    let taken = states.filter { $0.value.holder != nil && isTaken($0.key, $0.value) }
    for offset in taken.keys { states[offset]!.holder = nil }
    return Set(taken.filter { $0.value.deliveries == limits.maxDeliveries }.keys)
  }
}

// MARK: - What must hold

extension ConsumerSimulation {
  private mutating func check(_ actions: ConsumerQueue.Actions, parked: Set<JournalOffset> = []) {
    #expect(Set(actions.parked.map(\.offset)) == parked && actions.parked.count == parked.count)
    for offset in parked { states[offset]!.isDone = true }
    for delivery in actions.deliveries { check(delivery) }
    if let read = actions.read {
      #expect(self.read == nil, "two reads at a time")
      self.read = read
    }
    checkBounds()
    checkPosition(actions)
  }

  private mutating func check(_ delivery: ConsumerQueue.Delivery) {
    let offset = delivery.record.offset
    var state = states[offset, default: RecordState()]
    #expect(sessions.contains(delivery.session), "given to a session that left")
    #expect(!state.isDone && state.holder == nil, "\(offset) was given while somebody had it, or after it was done")
    #expect(isWanted(journal[Int(offset) - 1]))
    state.deliveries += 1
    #expect(delivery.number == state.deliveries && state.deliveries <= limits.maxDeliveries)
    if let key = key(offset) { checkOrder(of: offset, key, to: delivery.session) }
    state.holder = delivery.session
    state.deadline = now.advanced(byMilliseconds: limits.ackTimeoutMilliseconds)
    states[offset] = state
  }

  /// What is earlier in the key is done or with the same session; what is later was not given yet, or was taken back.
  private func checkOrder(of offset: JournalOffset, _ key: EventKey, to session: SessionKey) {
    for record in journal where record.key == key && isWanted(record) && record.offset >= firstKept {
      let state = states[record.offset, default: RecordState()]
      if record.offset < offset {
        #expect(state.isDone || state.holder == session, "\(offset) overtook \(record.offset)")
      } else if record.offset > offset {
        #expect(state.holder == nil, "\(offset) came again after \(record.offset)")
      }
    }
  }

  private func checkBounds() {
    let inFlight = states.values.count { $0.holder != nil }
    #expect(inFlight == queue.unacknowledged && inFlight <= limits.maxUnacknowledged)
    #expect(queue.entries.count <= limits.maxUnacknowledged + ConsumerQueue.readAheadMax)
    if sessions.isEmpty { #expect(queue.entries.values.allSatisfy { $0.deliveries > 0 }) }
    #expect(queue.members.map(\.session) == sessions)
    #expect(queue.windowBytes == queue.entries.values.reduce(0) { $0 + $1.record.bytes })
  }

  /// Nothing undone is passed, and nothing done is waited for.
  private func checkPosition(_ actions: ConsumerQueue.Actions) {
    let position = queue.position
    if let told = actions.position { #expect(told == position) }
    for record in journal.prefix(Int(position)) where isWanted(record) && record.offset >= firstKept {
      #expect(states[record.offset]?.isDone == true, "the position \(position) passed \(record.offset)")
    }
    let next = position + 1
    #expect(next > queue.lookedAt || (queue.entries[next] != nil && states[next]?.isDone != true))
  }

  private func isWanted(_ record: ConsumerRecord) -> Bool { record.record.event == "interaction" }

  private func key(_ offset: JournalOffset) -> EventKey? { journal[Int(offset) - 1].key }
}
