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
  var sessions: [SessionKey: SessionState] = [:]
  var sessionsMade: UInt64 = 0
  var read: ConsumerQueue.Read?
  var readAgain: JournalOffset?

  struct RecordState {
    var deliveries = 0
    /// How often it was delivered in vain.
    var failures = 0
    var spared = 0
    var holder: SessionKey?
    var isDone = false
    var isParked = false
    var comesAgain = false
  }

  struct SessionState {
    /// What it has, in the order in which it was given it, each with the newest event that it was given before.
    var held: [(offset: JournalOffset, newestBefore: JournalOffset)] = []
    var lost: [(offset: JournalOffset, newestBefore: JournalOffset)] = []
    var newest: JournalOffset = 0
    var deadline = Timestamp(milliseconds: 0)
    var isLate = false
    var hasAcknowledged = false
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
    case 0..<33: append()
    case 33..<63: acknowledge()
    case 63..<73: passTime()
    case 73..<78: join()
    case 78..<82: leave()
    case 82..<83: prune()
    case 83..<86: redeliver()
    case _: answerReads()
    }
  }

  /// In the end somebody does all the work.
  mutating func finish() {
    if sessions.isEmpty { join() }
    for _ in 0..<10_000 where !queue.isIdle(upTo: JournalOffset(journal.count)) {
      answerReads()
      guard let session = anySession() else { break }
      acknowledge(by: session, all: true)
    }
    #expect(queue.position == JournalOffset(journal.count) && queue.entries.isEmpty && queue.unacknowledged == 0)
    #expect(queue.waiting.isEmpty && queue.pendingCount == 0 && queue.blocked.isEmpty && queue.order.isEmpty)
    for record in journal where isWanted(record) {
      let state = states[record.offset, default: RecordState()]
      #expect(state.isDone || record.offset < firstKept, "record \(record.offset) was lost")
    }
  }

  private mutating func anySession() -> SessionKey? {
    sessions.keys.sorted { $0.number < $1.number }.randomElement(using: &random)
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
    sessions[session] = SessionState()
    takeFromLate()
    check(queue.sessionJoined(session, at: now))
  }

  private mutating func leave() {
    guard let session = anySession(), let state = sessions[session] else { return }
    var work: ConsumerQueue.Work?
    if Bool.random(using: &random), let oldest = state.held.first {
      work = ConsumerQueue.Work(offset: oldest.offset, hasAcknowledged: state.hasAcknowledged)
    }
    let parked = work.map { fail($0) } ?? []
    for offset in holding(session) { states[offset]!.holder = nil }
    sessions[session] = nil
    takeFromLate()
    check(queue.sessionLeft(session, during: work, at: now), parked: parked)
  }

  private mutating func fail(_ work: ConsumerQueue.Work) -> Set<JournalOffset> {
    let state = states[work.offset]!
    guard work.hasAcknowledged || state.failures > 0 || state.spared >= limits.maxDeliveries - 1 else {
      states[work.offset]!.spared += 1
      return []
    }
    return count(work.offset) ? [work.offset] : []
  }

  /// - Returns: whether it is to be parked.
  private mutating func count(_ offset: JournalOffset) -> Bool {
    states[offset]!.failures += 1
    guard states[offset]!.failures >= limits.maxDeliveries else { return false }
    let holder = states[offset]!.holder!
    sessions[holder]?.held.removeAll { $0.offset == offset }
    states[offset]!.holder = nil
    return true
  }

  private mutating func acknowledge() {
    guard let session = anySession() else { return }
    acknowledge(by: session, all: false)
  }

  private mutating func acknowledge(by session: SessionKey, all: Bool) {
    let given = sessions[session]!.held + sessions[session]!.lost
    let highest = states.filter { $0.value.holder != nil || $0.value.isDone }.keys.max() ?? 0
    var offset = all ? given.last?.offset : given.randomElement(using: &random)?.offset
    // Perhaps one that it does not have, or has acknowledged.
    if !all, Int.random(in: 0..<8, using: &random) == 0 { offset = .random(in: 0...highest, using: &random) }
    guard let offset = offset ?? (all ? 0 : nil), offset <= max(queue.highestDelivered, queue.position) else { return }
    let done = covered(offset, sessions[session]!.held)
    let doneLate = covered(offset, sessions[session]!.lost)
    for offset in done + doneLate { finish(offset) }
    sessions[session]!.held.removeAll { done.contains($0.offset) }
    sessions[session]!.lost.removeAll { doneLate.contains($0.offset) }
    if !done.isEmpty {
      sessions[session]!.deadline = deadline
      sessions[session]!.hasAcknowledged = true
    }
    if sessions[session]!.isLate {
      sessions[session]!.isLate = false
      takeFromLate()
    }
    do {
      check(try queue.acknowledged(by: session, upTo: offset, at: now))
    } catch {
      Issue.record("\(offset) was delivered: \(error)")
    }
  }

  /// Those up to an offset that were given before that one; if it was not given, before any that is above it.
  private func covered(
    _ offset: JournalOffset, _ given: [(offset: JournalOffset, newestBefore: JournalOffset)]
  ) -> [JournalOffset] {
    let end = given.firstIndex { $0.offset == offset }
    return given.indices.filter { index in
      given[index].offset <= offset && end.map { index <= $0 } ?? (given[index].newestBefore < offset)
    }.map { given[$0].offset }
  }

  private mutating func finish(_ offset: JournalOffset) {
    guard !states[offset]!.isDone else { return }
    if let holder = states[offset]!.holder { sessions[holder]?.held.removeAll { $0.offset == offset } }
    states[offset]!.isDone = true
    states[offset]!.holder = nil
  }

  private mutating func passTime() {
    now = now.advanced(byMilliseconds: .random(in: 1...700, using: &random))
    var parked: Set<JournalOffset> = []
    for (session, state) in sessions where state.deadline <= now {
      guard let oldest = state.held.first else { continue }
      sessions[session]!.isLate = true
      #expect(queue.nextDeadline! <= now)
      if count(oldest.offset) { parked.insert(oldest.offset) }
      sessions[session]!.deadline = deadline
    }
    takeFromLate()
    check(queue.deadlineReached(at: now), parked: parked)
  }

  private var deadline: Timestamp { now.advanced(byMilliseconds: limits.ackTimeoutMilliseconds) }
  private var isAnyPrompt: Bool { sessions.values.contains { !$0.isLate } }

  /// While somebody is prompt, the late ones have nothing.
  private mutating func takeFromLate() {
    guard isAnyPrompt else { return }
    for (session, state) in sessions where state.isLate && !state.held.isEmpty {
      for held in state.held { states[held.offset]!.holder = nil }
      sessions[session]!.lost = state.held
      sessions[session]!.held = []
    }
  }

  private mutating func prune() {
    firstKept = .random(in: firstKept...JournalOffset(journal.count + 1), using: &random)
  }

  private mutating func redeliver() {
    let parked = states.filter { $0.value.isParked && !$0.value.comesAgain }.keys.sorted()
    guard let offset = parked.randomElement(using: &random) else { return }
    states[offset] = RecordState(comesAgain: true)
    check(queue.redelivered([offset], at: now))
    // One more time is no matter.
    check(queue.redelivered([offset], at: now))
  }

  private mutating func answerReads() {
    answerRead()
    guard let offset = readAgain else { return }
    readAgain = nil
    if Int.random(in: 0..<10, using: &random) == 0 {
      queue.readAgainFailed()
      check(queue.actions(at: now))
    } else if offset < firstKept, !sessions.isEmpty {
      states[offset]!.isDone = true
      check(queue.recordReadAgain(nil, at: now), unparked: [offset])
    } else {
      check(queue.recordReadAgain(journal[Int(offset) - 1], at: now))
    }
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

  private func holding(_ session: SessionKey) -> [JournalOffset] {
    states.filter { $0.value.holder == session }.map(\.key)
  }
}

// MARK: - What must hold

extension ConsumerSimulation {
  private mutating func check(
    _ actions: ConsumerQueue.Actions, parked: Set<JournalOffset> = [], unparked: Set<JournalOffset>? = nil
  ) {
    #expect(Set(actions.parked.map(\.offset)) == parked && actions.parked.count == parked.count)
    for offset in parked { states[offset] = RecordState(isDone: true, isParked: true) }
    for offset in actions.unparked {
      #expect(states[offset]?.comesAgain == true && states[offset]?.isDone == true)
      states[offset]!.comesAgain = false
    }
    if let unparked { #expect(Set(actions.unparked) == unparked) }
    for delivery in actions.deliveries { check(delivery) }
    if let read = actions.read {
      #expect(self.read == nil, "two reads at a time")
      self.read = read
    }
    if let offset = actions.readAgain {
      #expect(readAgain == nil && states[offset]?.comesAgain == true)
      readAgain = offset
    }
    checkBounds()
    checkPosition(actions)
    checkNobodyWaitsForNothing()
  }

  private mutating func check(_ delivery: ConsumerQueue.Delivery) {
    let offset = delivery.record.offset
    var state = states[offset, default: RecordState()]
    guard let session = sessions[delivery.session] else {
      Issue.record("given to a session that left")
      return
    }
    #expect(!state.isDone, "\(offset) was given after it was done")
    state.deliveries += 1
    #expect(delivery.number == state.deliveries && state.failures < limits.maxDeliveries)
    #expect(isWanted(journal[Int(offset) - 1]))
    if session.isLate {
      #expect(!isAnyPrompt, "\(offset) was given to a session that acknowledges nothing")
      if state.holder == delivery.session { return states[offset] = state }
      #expect(session.held.isEmpty, "a late session was given more than one")
    }
    #expect(state.holder == nil, "\(offset) was given while somebody had it")
    if let key = key(offset), !state.comesAgain { checkOrder(of: offset, key, to: delivery.session) }
    state.holder = delivery.session
    states[offset] = state
    if session.held.isEmpty { sessions[delivery.session]!.deadline = deadline }
    sessions[delivery.session]!.held.append((offset, session.newest))
    sessions[delivery.session]!.newest = max(session.newest, offset)
  }

  /// What is earlier in the key is done or with the same session; what is later was not given yet, or was taken back.
  private func checkOrder(of offset: JournalOffset, _ key: EventKey, to session: SessionKey) {
    for record in journal where record.key == key && isWanted(record) && record.offset >= firstKept {
      let state = states[record.offset, default: RecordState()]
      if record.offset < offset {
        #expect(state.isDone || state.holder == session || state.comesAgain, "\(offset) overtook \(record.offset)")
      } else if record.offset > offset {
        #expect(state.holder == nil, "\(offset) came again after \(record.offset)")
      }
    }
  }

  private func checkBounds() {
    let inFlight = states.values.count { $0.holder != nil }
    #expect(inFlight == queue.unacknowledged && inFlight <= max(1, 2 * limits.maxUnacknowledged))
    // One that comes again was asked for while there was room.
    #expect(queue.entries.count <= 2 * limits.maxUnacknowledged + ConsumerQueue.readAheadMax + 1)
    if sessions.isEmpty {
      #expect(queue.entries.allSatisfy { $0.value.deliveries > 0 || $0.key < queue.highestDelivered })
    }
    #expect(Set(queue.members.keys) == Set(sessions.keys))
    for (session, state) in sessions {
      #expect(queue.members[session]?.isLate == state.isLate)
      #expect(queue.members[session]?.held.offsets == state.held.map(\.offset))
    }
    #expect(queue.windowBytes == queue.entries.values.reduce(0) { $0 + $1.record.bytes })
  }

  /// Nothing undone is passed, and nothing done is waited for.
  private func checkPosition(_ actions: ConsumerQueue.Actions) {
    let position = queue.position
    if let told = actions.position { #expect(told == position) }
    for record in journal.prefix(Int(position)) where isWanted(record) && record.offset >= firstKept {
      let state = states[record.offset]
      #expect(state?.isDone == true || state?.comesAgain == true, "the position \(position) passed \(record.offset)")
    }
    let next = position + 1
    #expect(next > queue.lookedAt || (queue.entries[next] != nil && states[next]?.isDone != true))
  }

  /// A prompt session that has nothing is not held up by others that have the window.
  private func checkNobodyWaitsForNothing() {
    let idle = sessions.values.contains { !$0.isLate && $0.held.isEmpty }
    let share = limits.maxUnacknowledged / max(1, sessions.values.count { !$0.isLate })
    guard idle, share > 0, queue.unacknowledged < 2 * limits.maxUnacknowledged else { return }
    #expect(queue.waiting.isEmpty, "events wait while a session has nothing")
  }

  private func isWanted(_ record: ConsumerRecord) -> Bool { record.record.event == "interaction" }

  private func key(_ offset: JournalOffset) -> EventKey? { journal[Int(offset) - 1].key }
}
