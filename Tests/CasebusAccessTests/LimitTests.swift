import CasebusAccess
import CasebusProtocol
import Testing

@Suite struct RateLimitTests {
  @Test func requestsAboveTheLimitAreInQuarantine() {
    var limit = RateLimit(RateLimitRules(perMinute: 2, quarantineSeconds: 30))
    #expect(limit.requestReceived("a.b", at: 0) == .carryOut)
    #expect(limit.requestReceived("a.c", at: 10) == .carryOut)
    func refusal(_ delay: Int64) -> RateLimit.Refusal {
      RateLimit.Refusal(service: nil, perMinute: 2, delayMilliseconds: delay)
    }
    #expect(limit.requestReceived("a.b", at: 20) == .refuse(refusal(30_000)))
    #expect(limit.requestReceived("a.b", at: 30_019) == .refuse(refusal(1)))
    #expect(limit.requestReceived("a.b", at: 30_020) == .carryOut)
  }

  @Test func minuteBeginsWithItsFirstRequest() {
    var limit = RateLimit(RateLimitRules(perMinute: 1))
    #expect(limit.requestReceived("a.b", at: 50_000) == .carryOut)
    #expect(limit.requestReceived("a.b", at: 110_000) == .carryOut)
    #expect(limit.requestReceived("a.b", at: 169_999) != .carryOut)
  }

  @Test func quarantineWithoutADelayLastsForEver() {
    var limit = RateLimit(RateLimitRules(perMinute: 1, quarantineSeconds: 0))
    #expect(limit.requestReceived("a.b", at: 0) == .carryOut)
    for now in [Int64(1), 1 << 60] {
      #expect(
        limit.requestReceived("a.b", at: now) == .refuse(.init(service: nil, perMinute: 1, delayMilliseconds: nil)))
    }
  }

  @Test func limitOfAServiceCountsThatServiceOnly() {
    var limit = RateLimit(RateLimitRules(perMinuteOfService: ["voice.dial": 1]))
    #expect(limit.requestReceived("voice.dial", at: 0) == .carryOut)
    for _ in 0..<100 { #expect(limit.requestReceived("agent.get", at: 0) == .carryOut) }
    guard case .refuse(let refusal) = limit.requestReceived("voice.dial", at: 0) else {
      Issue.record("it is carried out")
      return
    }
    #expect(
      refusal.description
        == "more than 1 requests in a minute (service-client-api.rate-limit.voice.dial): try again in 30 s")
  }

  @Test func zeroIsNoLimit() {
    var limit = RateLimit(RateLimitRules(perMinute: 0, perMinuteOfService: ["a.b": 0]))
    for _ in 0..<10_000 { #expect(limit.requestReceived("a.b", at: 0) == .carryOut) }
  }
}

@Suite struct AttemptLimitTests {
  static let address = AddressNetwork(IPAddress("192.0.2.1")!)

  @Test func attemptsAboveTheLimitAreRefusedUntilTheDelayIsOver() {
    for start in stride(from: Int64(0), to: 120_000, by: 7_919) {
      var limit = AttemptLimit(perMinute: 5)
      for _ in 0..<5 {
        #expect(limit.attempt(from: Self.address, at: start) == .allow)
        limit.attemptCounted(from: Self.address, at: start)
      }
      var now = start
      var delays = 0
      while case .refuse(let delay) = limit.attempt(from: Self.address, at: now) {
        #expect(delay > 0)
        now += delay
        delays += 1
        guard delays < 5 else { break }
      }
      #expect((1...2).contains(delays))
      #expect(now - start <= 120_000)
    }
  }

  @Test func otherAddressesAreNotHindered() {
    var limit = AttemptLimit(perMinute: 1)
    limit.attemptCounted(from: Self.address, at: 0)
    #expect(limit.attempt(from: Self.address, at: 0) != .allow)
    #expect(limit.attempt(from: AddressNetwork(IPAddress("192.0.2.2")!), at: 0) == .allow)
  }

  @Test func tableHasALimit() {
    var limit = AttemptLimit(perMinute: 1, addressesMax: 100)
    for number in 0..<10_000 { limit.attemptCounted(from: .v4(UInt32(number)), at: 0) }
    #expect(limit.addressCount <= 100)
    #expect(limit.attempt(from: .v4(9_999), at: 0) != .allow)
  }
}

@Suite struct UserDataFilterTests {
  @Test func keysOfTheOption() {
    let filter = UserDataFilter(parsing: "CallType, Segment,,")
    #expect(
      filter.readable(["Segment": "gold", "secret": 1, "CallType": "in"]) == ["Segment": "gold", "CallType": "in"])
    #expect(UserDataFilter(parsing: "*").readable(["a": 1]) == ["a": 1])
    #expect(UserDataFilter(parsing: "").readable(["a": 1]).isEmpty)
    #expect(UserDataFilter(parsing: "a,b") == UserDataFilter(parsing: "b, a"))
  }

  @Test func refusedKeysAreNamed() {
    #expect(throws: AccessDenial("user data: the keys \"b\", \"c\" may not be written")) {
      try UserDataFilter(parsing: "a").write(["a", "b", "c"])
    }
  }
}

@Suite struct RevocationTests {
  static func principal(jti: Identifier? = "t1", name: Identifier = "ann", issuedAt: Int64? = 100) -> Principal {
    let workspaces = [WorkspacePattern("team-a.*")!]
    return Principal(
      name: name, grant: Grant(role: .agent, workspaces: workspaces, issuedAt: issuedAt, tokenID: jti))
  }

  @Test(arguments: [
    (Revocations.Target.token("t1"), Int64(0), true), (.token("t2"), 1000, false), (.subject("ann"), 100, true),
    (.subject("ann"), 99, false), (.subject("bob"), 100, false), (.workspace(WorkspacePattern("team-a.*")!), 100, true),
    (.workspace(WorkspacePattern("team-b.*")!), 100, false), (.workspace(WorkspacePattern("team-a.*")!), 99, false),
  ])
  func revokedTokens(_ target: Revocations.Target, _ madeUntil: Int64, _ expected: Bool) {
    var revocations = Revocations()
    #expect(revocations.revoke(target, .init(madeUntil: madeUntil), at: 0) == .revoked)
    #expect(revocations.isRevoked(Self.principal()) == expected)
    #expect(!revocations.isRevoked(.anonymous))
  }

  @Test func tokenThatDoesNotSayWhenItWasMadeIsRevoked() {
    var revocations = Revocations()
    _ = revocations.revoke(.subject("ann"), .init(madeUntil: 1), at: 0)
    #expect(revocations.isRevoked(Self.principal(issuedAt: nil)))
  }

  @Test func expiredEntriesMakeRoom() {
    var revocations = Revocations(entriesMax: 2)
    #expect(revocations.revoke(.token("a"), .init(madeUntil: 0, keepUntil: 10), at: 0) == .revoked)
    #expect(revocations.revoke(.token("b"), .init(madeUntil: 0), at: 0) == .revoked)
    #expect(revocations.revoke(.token("c"), .init(madeUntil: 0), at: 9) == .full(limit: 2))
    #expect(revocations.revoke(.token("c"), .init(madeUntil: 0), at: 10) == .revoked)
    #expect(Set(revocations.entries.keys) == [.token("b"), .token("c")])
  }

  @Test func fileHoldsEveryEntry() throws {
    var revocations = Revocations()
    _ = revocations.revoke(.token("a"), .init(madeUntil: .max), at: 0)
    _ = revocations.revoke(.subject("b"), .init(madeUntil: 5, keepUntil: 9), at: 0)
    _ = revocations.revoke(.workspace(.all), .init(madeUntil: 5), at: 0)
    #expect(try Revocations(parsing: JSONValue(parsing: revocations.json.jsonText)) == revocations)
  }

  @Test(arguments: [
    #"{}"#, #"{"revoked":1}"#, #"{"revoked":[1]}"#, #"{"revoked":[{}]}"#, #"{"revoked":[{"jti":1}]}"#,
    #"{"revoked":[{"jti":"a","subject":"b"}]}"#, #"{"revoked":[{"jit":"a"}]}"#, #"{"revoked":[{"workspace":"a b"}]}"#,
    #"{"revoked":[{"jti":"a","madeUntil":"1"}]}"#,
  ])
  func badFileIsRefused(_ text: String) {
    #expect(throws: RevocationsError.self) { try Revocations(parsing: JSONValue(parsing: text)) }
  }
}
