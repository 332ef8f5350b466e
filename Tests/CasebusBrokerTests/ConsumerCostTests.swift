import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import NIOCore
import Testing

@testable import CasebusBroker

/// What one operation costs does not grow with how many others there are: counted in comparisons of keys, which is what
/// every search makes.
@Suite(.serialized) struct ConsumerCostTests {
  /// An element that counts how often it is hashed or compared.
  struct Counted: Hashable {
    nonisolated(unsafe) static var steps = 0
    var number: Int

    static func == (one: Self, other: Self) -> Bool {
      steps += 1
      return one.number == other.number
    }

    func hash(into hasher: inout Hasher) {
      Self.steps += 1
      hasher.combine(number)
    }
  }

  private func steps(among count: Int, _ body: (inout UniqueQueue<Counted>) -> Void) -> Int {
    var queue = UniqueQueue<Counted>()
    for number in 0..<count { queue.append(Counted(number: number)) }
    Counted.steps = 0
    body(&queue)
    return Counted.steps
  }

  /// A dictionary looks at the neighbours of a key, seldom at more than a hundred; a search would look at hundreds.
  @Test func removingFromTheMiddleOfAQueueCostsTheSameInALongOne() {
    for count in [1_000, 10_000] {
      #expect(steps(among: count) { $0.remove(Counted(number: count / 2)) } < 250)
      #expect(steps(among: count) { $0.append(Counted(number: count / 3)) } < 250)
      #expect(steps(among: count) { _ = $0.popFirst() } < 250)
    }
  }

  /// Instructions are not to be had here; what a search would visit is: the sessions, the keys, the queues.
  @Test(arguments: [1_000, 10_000]) func sessionThatLeavesCostsWhatItHad(others: Int) {
    var keys = KeyAffinity(keysMax: 100_000)
    for number in 1...others { keys.given(.caseID("\(number)"), to: session(number)) }
    keys.forget(session(1))
    #expect(keys.count == others - 1 && keys.visited <= 1)
  }

  @Test(arguments: [1_000, 10_000]) func keyBeyondTheMaximumForgetsOne(keysMax: Int) {
    var keys = KeyAffinity(keysMax: keysMax)
    for number in 1...keysMax + 1 {
      keys.given(.caseID("\(number)"), to: session(number % 10))
      keys.takenBack(.caseID("\(number)"))
      #expect(keys.visited <= 1)
    }
    #expect(keys.count == keysMax && keys.session(of: .caseID("1")) == nil)
  }

  @Test(arguments: [1_000, 10_000]) func leastBusySessionIsFoundAtOnce(count: Int) {
    var loads = MemberLoads()
    for number in 1...count { loads.set(session(number), to: 0) }
    for _ in 1...count {
      let session = loads.least()!
      loads.set(session, to: 1)
      #expect(loads.visited <= 1)
    }
  }

  @Test(arguments: [1_000, 10_000]) func timerLooksOnlyAtTheQueuesThatAreDue(count: Int) {
    let start = Timestamp(milliseconds: 1_000_000)
    var consumers = HostConsumers()
    for number in 1...count {
      let key = JournalConsumer.Key(name: "bot-\(number)", workspace: nil)
      consumers.add(key, ConsumerQueue(names: ["interaction"], limits: .init(), position: 0, last: 0))
      let now = start.advanced(byMilliseconds: Int64(number))
      consumers.update(key) { queue in
        _ = queue.sessionJoined(session(number), at: now)
        _ = queue.recordsAppended([.of(1)], at: now)
      }
    }
    var looked = 0
    while let key = consumers.popDue(at: start.advanced(byMilliseconds: 30_003)) {
      looked += 1
      consumers.update(key) { _ = $0.deadlineReached(at: start.advanced(byMilliseconds: 30_003)) }
    }
    #expect(looked == 3 && consumers.nextDeadline == start.advanced(byMilliseconds: 30_004))
  }

  private func session(_ number: Int) -> SessionKey { SessionKey(loop: 0, number: UInt64(number)) }
}
