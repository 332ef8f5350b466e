import CasebusClient
import CasebusProtocol
import Testing

@testable import casebus

/// The client's part of Protocol §5.5 and §9, over a real broker.
@Suite struct ClientTests {
  @Test func positionsAreToldToWhomAsksForThem() async throws {
    try await withBroker { address in
      let (plain, positioned) = (try await address.client(), try await address.client())
      let without = try await plain.subscribe(to: ["agent"])
      #expect(without.position == nil)
      let with = try await positioned.subscribe(to: ["agent"], positions: true)
      #expect(with.position?.offset == 0)
      #expect(with.recovered == nil)
      try await plain.publish("agent", ["n": 1])
      #expect(await plain.events.first { _ in true }?.labels == EventLabels())
      let event = await positioned.events.first { _ in true }
      #expect(event?.labels.position == StreamPosition(offset: 1, epoch: try #require(with.position?.epoch)))
    }
  }

  @Test func missedEventsComeFirst() async throws {
    try await withBroker { address in
      let source = try await address.client()
      let start = try #require(try await source.subscribe(to: ["media"], positions: true).position)
      for n in 1...3 { try await source.publish("agent", ["n": .number(JSONNumber(n))]) }
      let late = try await address.client()
      let since = StreamPosition(offset: 1, epoch: start.epoch)
      let result = try await late.subscribe(to: ["agent"], since: .after(since))
      #expect(result.recovered == true)
      #expect(result.position == StreamPosition(offset: 3, epoch: start.epoch))
      try await source.publish("agent", ["n": 4])
      #expect(await late.offsets(3) == [2, 3, 4])
      let auditor = try await address.client()
      #expect(try await auditor.subscribe(to: ["agent"], since: .beginning).recovered == true)
      #expect(await auditor.offsets(4) == [1, 2, 3, 4])
      let stale = try await address.client()
      let elsewhere = StreamPosition(offset: 1, epoch: "another")
      #expect(try await stale.subscribe(to: ["agent"], since: .after(elsewhere)).recovered == false)
    }
  }

  @Test func whatIsPublishedAgainHappensOnce() async throws {
    try await withBroker { address in
      let (first, second) = (try await address.client(), try await address.client())
      _ = try await first.subscribe(to: ["agent", "interaction", "markdone"])
      for client in [first, second] {
        try await client.publish("agent", ["state": "READY"], messageID: "a")
        let refused = await #expect(throws: ClientError.self) {
          try await client.request("interaction.markdone", ["1"], messageID: "b")
        }
        #expect(
          refused == .refused(code: "interaction_not_found", message: "there is no interaction \"1\" in this workspace")
        )
      }
      try await second.publish("agent", ["state": "BUSY"])
      var seen: [JSONValue] = []
      for await event in first.events.prefix(2) { seen.append(event.data) }
      #expect(seen == [["state": "READY"], ["state": "BUSY"]])
    }
  }

  @Test func whatIsNotAcknowledgedComesAgain() async throws {
    try await withBroker { address in
      let source = try await address.client()
      let bot = try await address.client()
      let result = try await bot.subscribe(to: ["agent"], durable: "bot")
      #expect(result.durable?.text == "bot")
      for n in 1...3 { try await source.publish("agent", ["n": .number(JSONNumber(n))]) }
      var events: [CasebusClient.Event] = []
      for await event in bot.events.prefix(3) { events.append(event) }
      #expect(events.map(\.labels.delivery) == [nil, nil, nil])
      try await bot.acknowledge(events[1])
      await bot.close()
      let again = try await address.client()
      _ = try await again.subscribe(to: ["agent"], durable: "bot")
      let event = try #require(await again.events.first { _ in true })
      #expect(event.labels.position?.offset == 3)
      #expect(event.labels.delivery == 2)
      try await again.acknowledge(event)
      let refused = await #expect(throws: ClientError.self) { try await again.acknowledge(upTo: 4) }
      guard case .refused(code: "invalid_parameters", _) = refused else {
        Issue.record("\(String(describing: refused))")
        return
      }
    }
  }

  @Test func anAcknowledgementOfAMonitorNamesTheWorkspace() async throws {
    try await withBroker { address in
      let bot = try await address.client("*")
      _ = try await bot.subscribe(to: ["agent"], durable: "bot")
      try await address.client("north").publish("agent", [:])
      let event = try #require(await bot.events.first { _ in true })
      #expect(event.labels.workspaceID?.text == "north")
      try await bot.acknowledge(event)
      #expect(try await bot.request("consumer.get", ["bot"])["workspaces"] == [])
    }
  }

  @Test func theEndOfTheConnectionIsTold() async throws {
    let clients = Clients()
    try await withBroker { address in
      let client = try await address.client()
      #expect(client.end == nil)
      await clients.add(client)
    }
    let client = try #require(await clients.all.first)
    for await _ in client.events {}
    guard case .connectionLost(code: 4000, let reason) = client.end else {
      Issue.record("\(String(describing: client.end))")
      return
    }
    #expect(reason.hasPrefix("shutting_down: reconnect in "))
  }
}

/// Keeps clients beyond the life of their broker.
actor Clients {
  private(set) var all: [CasebusClient] = []

  func add(_ client: CasebusClient) { all.append(client) }
}

extension CasebusClient {
  /// The offsets of the next events.
  fileprivate func offsets(_ count: Int) async -> [UInt64?] {
    var offsets: [UInt64?] = []
    for await event in events.prefix(count) { offsets.append(event.labels.position?.offset) }
    return offsets
  }
}
