import Testing

@testable import CasebusTLS

@Suite struct TicketKeyRingTests {
  private let start = ContinuousClock.now
  private let ring = TicketKeyRing(ticketSeconds: 100)

  private func key(after seconds: Int) throws -> TicketKeyRing.Key {
    try #require(ring.sealingKey(at: start + .seconds(seconds)))
  }

  @Test func aKeySealsForHalfTheLifeOfATicket() throws {
    let first = try key(after: 0)
    #expect(try key(after: 49) == first)
    #expect(try key(after: 50) != first)
  }

  /// The last ticket of a key is made at 50 s, and good until 150 s.
  @Test(arguments: [(49, true, true), (51, true, false), (149, true, false), (150, false, false)])
  func aKeyOpensUntilItsLastTicketIsOver(_ seconds: Int, _ isKnown: Bool, _ isNewest: Bool) throws {
    let first = try key(after: 0)
    if seconds > 50 { _ = try key(after: 51) }
    let found = ring.openingKey(first.name, at: start + .seconds(seconds))
    #expect((found?.key == first) == isKnown)
    #expect((found?.isNewest ?? false) == isNewest)
  }

  @Test func anUnknownKeyIsNotFound() throws {
    _ = try key(after: 0)
    #expect(ring.openingKey([UInt8](repeating: 0, count: 16), at: start) == nil)
  }

  @Test func keysDiffer() throws {
    let first = try key(after: 0)
    let second = try key(after: 60)
    #expect(first.cipherKey != second.cipherKey)
    #expect(first.macKey != second.macKey)
    #expect(first.cipherKey.count == 32 && first.macKey.count == 32 && first.name.count == 16)
  }
}
