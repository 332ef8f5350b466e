import CasebusClient
import CasebusJournal
import CasebusProtocol
import Synchronization
import Testing

@testable import casebus

@Suite struct ResumingClientTests {
  private static let quick = Backoff(first: .milliseconds(5), longest: .milliseconds(50))

  @Test func goesOnAfterTheLastEventWhenTheBrokerComesBack() async throws {
    let journal = MemoryJournal()
    let listener = Listener()
    try await withBroker(journal: journal) { address in
      await listener.listen(to: address)
      let source = try await address.client()
      try await listener.heard(["connected anew"])
      for state in ["RINGING", "TALKING"] { try await source.publishState(state) }
      try await listener.heard(["connected anew", "1 RINGING", "2 TALKING"])
    }
    try await listener.attempted(4)
    try await withBroker(journal: journal, port: await listener.port) { address in
      let source = try await address.client()
      for state in ["HELD", "TALKING"] { try await source.publishState(state) }
      try await listener.heard(
        ["connected anew", "1 RINGING", "2 TALKING", "connected whole", "3 HELD", "4 TALKING"])
      await listener.stop()
    }
    #expect(await listener.outcome == "over")
  }

  @Test func goesOnFromWhereItBeganWhenItHasHeardNothingYet() async throws {
    let journal = MemoryJournal()
    let listener = Listener()
    try await withBroker(journal: journal) { address in
      try await address.client().publishState("RINGING")
      await listener.listen(to: address)
      try await listener.heard(["connected anew"])
    }
    try await withBroker(journal: journal, port: await listener.port) { address in
      try await address.client().publishState("TALKING")
      try await listener.heard(["connected anew", "connected whole", "2 TALKING"])
      await listener.stop()
    }
  }

  @Test func saysThatEventsMayBeMissingWhenTheBrokerHasLostThem() async throws {
    let listener = Listener()
    try await withBroker { address in
      await listener.listen(to: address)
      try await listener.heard(["connected anew"])
      try await address.client().publishState("RINGING")
      try await listener.heard(["connected anew", "1 RINGING"])
    }
    try await withBroker(port: await listener.port) { address in
      try await listener.heard(["connected anew", "1 RINGING", "connected anew"])
      try await address.client().publishState("HELD")
      try await listener.heard(["connected anew", "1 RINGING", "connected anew", "1 HELD"])
      await listener.stop()
    }
  }

  @Test func isNotPartOfADeletedConsumerAgain() async throws {
    try await withBroker { address in
      let resuming = ResumingClient(to: ["agent"], durable: "bot", backoff: Self.quick) { () throws(ClientError) in
        try await address.attempt()
      }
      var updates = resuming.makeAsyncIterator()
      guard case .connected(let client, isWhole: false) = try await updates.next() else {
        Issue.record("expected a connection")
        return
      }
      _ = try await client.request("consumer.delete", ["bot"])
      let error = await #expect(throws: ClientError.self) { try await updates.next() }
      guard case .connectionLost(code: 4502, _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(try await updates.next() == nil)
    }
  }

  @Test func endsWhenItsClientIsClosed() async throws {
    try await withBroker { address in
      let resuming = ResumingClient(to: ["agent"], backoff: Self.quick) { () throws(ClientError) in
        try await address.attempt()
      }
      var updates = 0
      for try await case .connected(let client, isWhole: false) in resuming {
        updates += 1
        await client.close()
      }
      #expect(updates == 1)
    }
  }

  @Test func aBrokerThatWasNeverThereIsAnError() async throws {
    var updates = ResumingClient(to: ["agent"]) { () throws(ClientError) in
      try await BrokerAddress(host: "127.0.0.1", port: 1).attempt()
    }.makeAsyncIterator()
    guard case .notConnected = await #expect(throws: ClientError.self, performing: { try await updates.next() }) else {
      Issue.record("expected that there is no connection")
      return
    }
    #expect(try await updates.next() == nil)
  }

  @Test func whatWouldBeRefusedAgainIsNotTriedAgain() async throws {
    try await withBroker { address in
      let attempts = Mutex(0)
      let resuming = ResumingClient(to: ["nonsense"], backoff: Self.quick) { () throws(ClientError) in
        attempts.withLock { $0 += 1 }
        return try await address.attempt()
      }
      let error = await #expect(throws: ClientError.self) { for try await _ in resuming {} }
      guard case .refused(code: "unknown_event", _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(attempts.withLock { $0 } == 1)
    }
  }

  @Test(arguments: [
    (Duration.seconds(Int64.max), Duration.seconds(Int64.max)), (.seconds(Int64.max), .milliseconds(1)),
    (.milliseconds(1), .seconds(Int64.max)),
  ])
  func waitsOfAnyLengthAreCounted(first: Duration, longest: Duration) {
    var random = SystemRandomNumberGenerator()
    for failures in [0, 1, 30, .max] {
      let delay = Backoff(first: first, longest: longest).delay(afterFailures: failures, using: &random)
      #expect(delay > .zero && delay <= longest)
    }
  }

  @Test(arguments: [(0, 200), (1, 400), (4, 3200), (7, 25_600), (8, 30_000), (1_000_000, 30_000)])
  func waitsGrowAndAreRandom(failures: Int, milliseconds: Int) {
    var random = SystemRandomNumberGenerator()
    let delays = (0..<200).map { _ in Backoff().delay(afterFailures: failures, using: &random) }
    #expect(delays.allSatisfy { $0 <= .milliseconds(milliseconds) && $0 >= .milliseconds(milliseconds / 10) })
    #expect(delays.contains { $0 > .milliseconds(milliseconds / 2) })
    #expect(delays.contains { $0 < .milliseconds(milliseconds / 2) })
  }
}

/// Listens with a ``ResumingClient``, and keeps what it heard.
private actor Listener {
  private(set) var port = 0
  private(set) var outcome: String?
  private var lines: [String] = []
  private var attempts = 0
  private var task: Task<Void, Never>?

  func listen(to address: BrokerAddress) {
    port = address.port
    let backoff = Backoff(first: .milliseconds(5), longest: .milliseconds(50))
    let resuming = ResumingClient(to: ["interaction"], backoff: backoff) { [weak self] () throws(ClientError) in
      await self?.count()
      return try await address.attempt()
    }
    task = Task {
      do {
        for try await update in resuming { hear(update) }
        outcome = "over"
      } catch {
        outcome = "\(error)"
      }
    }
  }

  /// Cancels, and waits for the end.
  func stop() async {
    task?.cancel()
    await task?.value
  }

  func heard(_ expected: [String]) async throws {
    try await wait { self.lines.count >= expected.count }
    #expect(lines == expected)
  }

  func attempted(_ count: Int) async throws {
    try await wait { self.attempts >= count }
  }

  private func wait(until isEnough: () -> Bool) async throws {
    let deadline = ContinuousClock.now.advanced(by: .seconds(30))
    while !isEnough(), outcome == nil, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
  }

  private func count() { attempts += 1 }

  private func hear(_ update: ResumingClient.Update) {
    switch update {
    case .connected(_, let isWhole): lines.append(isWhole ? "connected whole" : "connected anew")
    case .event(let event):
      let state = event.data["eventType"]?.stringValue ?? "?"
      lines.append("\(event.labels.position?.offset ?? 0) \(state)")
    }
  }
}

extension BrokerAddress {
  fileprivate func attempt() async throws(ClientError) -> CasebusClient {
    do {
      return try await connect(to: .workspace(.default))
    } catch {
      throw .notConnected("\(error)")
    }
  }
}

extension CasebusClient {
  fileprivate func publishState(_ state: String) async throws {
    try await publish("interaction", ["eventType": .string(state), "interaction": ["interactionId": "1"]])
  }
}
