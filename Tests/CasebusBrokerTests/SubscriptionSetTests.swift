import CasebusProtocol
import Testing

@testable import CasebusBroker

/// What a session wants, and what finding that out costs.
@Suite struct SubscriptionSetTests {
  static func set(_ count: Int) throws -> SubscriptionSet {
    var limits = BrokerConfiguration()
    limits.subscriptionsPerSessionMax = 1_000_000
    var set = SubscriptionSet()
    for index in 0..<count {
      _ = try set.add([.messenger(channel: "\(index)"), .agent], session: "s", limits: limits)
    }
    return set
  }

  @Test func nameIsWantedAsLongAsASubscriptionHasIt() throws {
    var set = SubscriptionSet()
    let limits = BrokerConfiguration()
    let first = try set.add([.agent, .media], session: "s", limits: limits)
    let second = try set.add([.media, .system], session: "s", limits: limits)
    try set.remove(first)
    #expect(set.wanted == [.media, .system])
    #expect(throws: Failure.self) { try set.remove(first) }
    #expect(set.wanted == [.media, .system])
    try set.remove(second)
    #expect(set.wanted.isEmpty && set.count == 0)
  }

  @Test func channelsThatLookTheSameAreTwo() throws {
    var set = SubscriptionSet()
    let limits = BrokerConfiguration()
    let composed = try set.add([EventName("messenger:\u{E9}")!], session: "s", limits: limits)
    _ = try set.add([EventName("messenger:e\u{301}")!], session: "s", limits: limits)
    #expect(set.wanted.count == 2)
    try set.remove(composed)
    #expect(set.wanted == [EventName("messenger:e\u{301}")!])
  }

  @Test func unsubscribeLooksAtItsOwnNamesOnly() throws {
    func steps(_ count: Int) throws -> Int {
      var set = try Self.set(count)
      return try Steps.counted { try set.remove(SubscriptionID("s-500")) }.steps
    }
    let (few, many) = (try steps(1_000), try steps(10_000))
    // Collisions in hash tables come and go; a search would be 10,000 steps.
    #expect(many < few + 300, "\(few) steps among 1,000 subscriptions, \(many) among 10,000")
  }
}
