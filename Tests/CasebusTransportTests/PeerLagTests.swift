import NIOCore
import NIOEmbedded
import Testing

@testable import CasebusTransport

@Suite struct PeerLagTests {
  private let lag = PeerLag()

  // MARK: Progress

  @Test func peerThatTakesWhatWaitsMakesProgress() {
    #expect(!lag.look(sentBytes: 4_000_000, waitingBytes: 3_000_000))
    #expect(lag.look(sentBytes: 4_000_000, waitingBytes: 2_900_000))
    #expect(!lag.look(sentBytes: 4_000_000, waitingBytes: 2_900_000))
  }

  @Test func whatIsAddedMeanwhileIsNoProgress() {
    #expect(!lag.look(sentBytes: 4_000_000, waitingBytes: 3_000_000))
    #expect(!lag.look(sentBytes: 5_000_000, waitingBytes: 4_000_000))
    #expect(lag.look(sentBytes: 6_000_000, waitingBytes: 4_900_000))
  }

  @Test func littleByLittleCountsTogether() {
    #expect(!lag.look(sentBytes: 100_000, waitingBytes: 100_000))
    #expect(!lag.look(sentBytes: 100_000, waitingBytes: 90_000))
    #expect(lag.look(sentBytes: 100_000, waitingBytes: 80_000))
  }

  /// A frozen client whose kernel takes small events: those that wait are few, so that taking them says nothing.
  @Test func littleThatWaitedIsNoSignOfLife() {
    for number in 1...20 {
      #expect(!lag.look(sentBytes: number * 20_000, waitingBytes: PeerLag.progressBytesMin - 1))
    }
  }

  // MARK: Long messages

  @Test func restOfALongMessageIsCounted() {
    lag.longMessageAdded(at: 100..<1_100, waitingFrom: 0)
    #expect(lag.longBytes(in: 0..<50) == 0)
    #expect(lag.longBytes(in: 50..<600) == 500)
    #expect(lag.longBytes(in: 50..<1_200) == 1_000)
    #expect(lag.longBytes(in: 600..<1_200) == 500)
    lag.longMessageAdded(at: 1_200..<1_300, waitingFrom: 1_000)
    #expect(lag.longBytes(in: 1_000..<1_400) == 200)
    #expect(lag.longBytes(in: 1_100..<1_400) == 100)
    #expect(lag.longBytes(in: 1_300..<1_400) == 0)
  }
}

/// Work per operation, counted: looks at a connection, not time.
@Suite struct LaggingConnectionTests {
  @Test(arguments: [1_000, 10_000]) func changeAndSearchTakeTheSameStepsHoweverManyThereAre(_ count: Int) {
    let lagging = LaggingConnections()
    let connections = (0..<count).map { _ in CountedConnection() }
    for (index, connection) in connections.enumerated() { lagging.set(connection, to: 70_000 + index) }
    let steps = Steps.count(connections) {
      for step in 0..<100 { lagging.set(connections[step], to: 140_000 + step) }
      for _ in 0..<100 { #expect(lagging.slowest != nil) }
      for step in 0..<100 { lagging.set(connections[step], to: 0) }
    }
    // Of each of the 200 changes: where it is, where it was, where the one is that takes its place.
    #expect(steps <= 200 * 8, "\(steps)")
  }

  @Test func slowestIsTheOneForWhichMostWaitsGiveOrTakeAFifth() {
    let lagging = LaggingConnections()
    var generator = SystemRandomNumberGenerator()
    var bytes: [ObjectIdentifier: Int] = [:]
    let connections = (0..<50).map { _ in CountedConnection() }
    for _ in 0..<2_000 {
      let connection = connections.randomElement(using: &generator)!
      let new = Bool.random(using: &generator) ? 0 : 1 << Int.random(in: 0...30) + .random(in: 0..<100)
      lagging.set(connection, to: new)
      bytes[ObjectIdentifier(connection)] = new
      let most = bytes.values.max()!
      let slowest = lagging.slowest.map { bytes[ObjectIdentifier($0)]! } ?? 0
      #expect(Double(slowest) >= Double(most) * 0.8)
    }
  }
}

@Suite struct TimerWheelStepTests {
  @Test(arguments: [1_000, 10_000]) func armingTakesTheSameStepsHoweverManyThereAre(_ count: Int) {
    let loop = EmbeddedEventLoop()
    let wheel = TimerWheel(loop)
    let timers = (0..<count).map { _ in CountedTimer() }
    for (index, timer) in timers.enumerated() { wheel.arm(timer, at: Int64(index % 200) * 100_000_000) }
    let before = timers.reduce(0) { $0 + $1.steps }
    for timer in timers.prefix(100) { wheel.arm(timer, at: 30_000_000_000) }
    for timer in timers.prefix(100) { wheel.disarm(timer) }
    let steps = timers.reduce(0) { $0 + $1.steps } - before
    #expect(steps <= 200 * 8, "\(steps)")
    for timer in timers { wheel.disarm(timer) }
  }

  /// A machine that stood still for a day.
  @Test func longSleepIsOneTurnOfTheWheel() {
    let loop = EmbeddedEventLoop()
    let wheel = TimerWheel(loop)
    let timer = CountedTimer()
    wheel.arm(timer, at: 1_000_000_000)
    loop.advanceTime(by: .hours(24))
    #expect(timer.reached == 1)
  }
}

private enum Steps {
  static func count(_ connections: [CountedConnection], _ body: () -> Void) -> Int {
    let before = connections.reduce(0) { $0 + $1.steps }
    body()
    return connections.reduce(0) { $0 + $1.steps } - before
  }
}

private final class CountedConnection: Lagging {
  var steps = 0
  private var place: LaggingConnections.Place?
  var lagPlace: LaggingConnections.Place? {
    get {
      steps += 1
      return place
    }
    set {
      steps += 1
      place = newValue
    }
  }

  func cutOffAsSlow(reason: String) {}
}

private final class CountedTimer: Timed {
  var steps = 0
  var reached = 0
  private var place: TimerWheel.Place?
  var timerPlace: TimerWheel.Place? {
    get {
      steps += 1
      return place
    }
    set {
      steps += 1
      place = newValue
    }
  }

  func timeReached() { reached += 1 }
}
