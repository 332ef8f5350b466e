import CasebusProtocol
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import CasebusClient
@testable import casebus

/// What waits in a client until somebody takes it (`clientEventsBytesMax`).
@Suite struct EventQueueTests {
  private static let text = ByteBuffer(string: #"{"event":"agent","data":7}"#)
  private static let event = CasebusClient.Event(name: "agent", data: 7, labels: EventLabels())
  private let queue = EventQueue(decode: { $0 == Self.text ? Self.event : nil })

  @Test func whatWaitsIsCountedInBytesOfItsTextUntilItIsTaken() async {
    for count in 1...3 {
      queue.append(Self.event, Self.text)
      #expect(queue.bytes == count * Self.text.readableBytes)
    }
    for count in [2, 1, 0] {
      #expect(await queue.next() == Self.event)
      #expect(queue.bytes == count * Self.text.readableBytes)
    }
  }

  @Test func whatCameBeforeTheEndCanBeTakenAfterIt() async {
    queue.append(Self.event, Self.text)
    queue.finish()
    queue.append(Self.event, Self.text)
    #expect(await queue.next() == Self.event)
    #expect(await queue.next() == nil)
  }

  @Test func whoWaitsGetsTheEventOrTheEnd() async {
    async let first = queue.next()
    while queue.takerCount == 0 { await Task.yield() }
    queue.append(Self.event, Self.text)
    #expect(await first == Self.event)
    #expect(queue.bytes == 0)
    async let second = queue.next()
    while queue.takerCount == 0 { await Task.yield() }
    queue.finish()
    #expect(await second == nil)
  }

  @Test func whoIsCancelledTakesNothing() async {
    let taker = Task { await queue.next() }
    while queue.takerCount == 0 { await Task.yield() }
    taker.cancel()
    #expect(await taker.value == nil)
    queue.append(Self.event, Self.text)
    #expect(await queue.next() == Self.event)
  }

  @Test func whatIsDiscardedIsNotKept() async {
    queue.append(Self.event, Self.text)
    queue.discard()
    #expect(queue.bytes == 0)
    #expect(await queue.next() == nil)
  }
}

/// The same with a broker: nothing more is read than is taken, and nothing is lost.
@Suite struct ClientBackpressureTests {
  private static let padding = String(repeating: "x", count: 1000)
  private static let eventsBytesMax = 20_000

  @Test func aReplayThatNobodyTakesWaitsInTheBroker() async throws {
    try await withBroker { address in
      try await Self.publish(400, to: address)
      let reader = try await Self.reader(of: address)
      _ = try await reader.subscribe(to: ["agent"], since: .beginning)
      try await Self.wait { reader.events.queue.bytes > Self.eventsBytesMax }
      try await Task.sleep(for: .milliseconds(200))
      // One reading of the socket may come on top.
      #expect(reader.events.queue.bytes < Self.eventsBytesMax + 150_000)
      var next = 0
      for await event in reader.events {
        #expect(event.data["n"] == .number(JSONNumber(next)))
        next += 1
        if next == 400 { break }
      }
      await reader.close()
    }
  }

  /// Each event pauses reading, and is taken on another thread while that happens: no pause is without an end. Where the
  /// pause and the taking do not exclude each other, it hangs as soon as a thread is held up in between.
  @Test(.timeLimit(.minutes(1))) func aPauseEndsHoweverFastEventsAreTaken() async throws {
    try await withBroker { address in
      try await Self.publish(400, to: address)
      for _ in 0..<5 {
        let reader = try await Self.reader(of: address, eventsBytesMax: 500)
        _ = try await reader.subscribe(to: ["agent"], since: .beginning)
        var taken = 0
        for await _ in reader.events {
          taken += 1
          if taken == 400 { break }
        }
        #expect(taken == 400)
        await reader.close()
      }
    }
  }

  /// A bot acknowledges in the loop that takes its events: the answer stands behind others.
  @Test func whoAsksWhileEventsWaitGetsTheAnswer() async throws {
    try await withBroker { address in
      try await Self.publish(100, to: address)
      let reader = try await Self.reader(of: address)
      _ = try await reader.subscribe(to: ["agent"], since: .beginning, durable: "bot")
      var taken = 0
      for await event in reader.events {
        try await reader.acknowledge(event)
        taken += 1
        if taken == 100 { break }
      }
      #expect(try await reader.request("consumer.get", ["bot"])["backlog"] == 0)
      await reader.close()
    }
  }

  @Test func whoOnlyAsksAndNeverTakesIsToldSo() async throws {
    try await withBroker { address in
      let reader = try await Self.reader(of: address)
      _ = try await reader.subscribe(to: ["agent"])
      let error = await #expect(throws: ClientError.self) {
        for n in 0..<1000 { try await reader.publish("agent", Self.data(n)) }
      }
      #expect(error == .tooManyEvents(bytesMax: Self.eventsBytesMax))
      #expect(reader.end == error)
      // What came before can be taken still.
      var taken = 0
      for await _ in reader.events { taken += 1 }
      #expect(taken > 100 && taken < 200)
    }
  }

  @Test func closingDoesNotWaitForWhatNobodyTakes() async throws {
    try await withBroker { address in
      try await Self.publish(400, to: address)
      let reader = try await Self.reader(of: address)
      _ = try await reader.subscribe(to: ["agent"], since: .beginning)
      try await Self.wait { reader.events.queue.bytes > Self.eventsBytesMax }
      await reader.close()
      #expect(reader.end == .connectionLost(code: 1000, reason: "the client is done"))
    }
  }

  private static func data(_ n: Int) -> JSONValue { ["n": .number(JSONNumber(n)), "padding": .string(padding)] }

  private static func publish(_ count: Int, to address: BrokerAddress) async throws {
    let source = try await address.client()
    for n in 0..<count { try await source.publish("agent", data(n)) }
  }

  private static func reader(
    of address: BrokerAddress, eventsBytesMax: Int = eventsBytesMax
  ) async throws -> CasebusClient {
    try await CasebusClient.connect(
      host: address.host, port: address.port, group: MultiThreadedEventLoopGroup.singleton,
      eventsBytesMax: eventsBytesMax)
  }

  private static func wait(until isTrue: () -> Bool) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(30))
    while !isTrue(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
    #expect(isTrue())
  }
}
