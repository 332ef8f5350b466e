package import CasebusProtocol

/// What the options `service-client-api.rate-limit`, `.rate-limit.<service>` and `.rate-limit-quarantine-delay` say.
package struct RateLimitRules: Hashable, Sendable {
  /// Requests per minute over all services; 0 for any number.
  package var perMinute: Int
  /// Requests per minute of one service; 0, or no entry, for any number.
  package var perMinuteOfService: [Identifier: Int]
  /// How long requests are refused after the limit was hit; 0 for ever.
  package var quarantineSeconds: Int

  package init(perMinute: Int = 0, perMinuteOfService: [Identifier: Int] = [:], quarantineSeconds: Int = 30) {
    self.perMinute = perMinute
    self.perMinuteOfService = perMinuteOfService
    self.quarantineSeconds = quarantineSeconds
  }

  package var isUnlimited: Bool { perMinute == 0 && perMinuteOfService.values.allSatisfy { $0 == 0 } }
}

/// Counts the requests of one session. Memory: one counter, and one for each service that has a limit of its own.
package struct RateLimit: Sendable {
  private let rules: RateLimitRules
  private var total = MinuteCount()
  private var services: [Identifier: MinuteCount] = [:]

  package init(_ rules: RateLimitRules) {
    self.rules = rules
  }

  package enum OnRequest: Hashable, Sendable {
    case carryOut
    /// Answered with an error, or not at all, as configured.
    case refuse(Refusal)
  }

  package struct Refusal: Hashable, Sendable {
    /// nil if the limit is over all services.
    package var service: Identifier?
    package var perMinute: Int
    /// How long requests are refused from now on; nil for ever.
    package var delayMilliseconds: Int64?

    package init(service: Identifier?, perMinute: Int, delayMilliseconds: Int64?) {
      self.service = service
      self.perMinute = perMinute
      self.delayMilliseconds = delayMilliseconds
    }
  }

  /// - Parameters:
  ///   - name: the name of the request, not an alias.
  ///   - now: milliseconds of a clock that does not jump.
  package mutating func requestReceived(_ name: Identifier, at now: Int64) -> OnRequest {
    if rules.perMinute > 0, let delay = total.add(at: now, rules.perMinute, rules.quarantineSeconds) {
      return .refuse(Refusal(service: nil, perMinute: rules.perMinute, delayMilliseconds: delay.milliseconds))
    }
    guard let perMinute = rules.perMinuteOfService[name], perMinute > 0 else { return .carryOut }
    if let delay = services[name, default: MinuteCount()].add(at: now, perMinute, rules.quarantineSeconds) {
      return .refuse(Refusal(service: name, perMinute: perMinute, delayMilliseconds: delay.milliseconds))
    }
    return .carryOut
  }
}

extension RateLimit.Refusal: CustomStringConvertible {
  /// For the failure's message.
  package var description: String {
    let limit = service.map { "service-client-api.rate-limit.\($0)" } ?? "service-client-api.rate-limit"
    let end = delayMilliseconds.map { "try again in \(($0 + 999) / 1000) s" } ?? "no request is carried out any more"
    return "more than \(perMinute) requests in a minute (\(limit)): \(end)"
  }
}

/// Requests of one minute; the minute begins with its first request.
private struct MinuteCount: Sendable {
  private enum State {
    case idle
    case counting(since: Int64, count: Int)
    /// nil for ever.
    case quarantined(until: Int64?)
  }

  struct Delay {
    var milliseconds: Int64?
  }

  private var state = State.idle
  private static let minute: Int64 = 60_000

  /// - Returns: how long requests are refused; nil if this one is not.
  mutating func add(at now: Int64, _ perMinute: Int, _ quarantineSeconds: Int) -> Delay? {
    switch state {
    case .counting(let since, let count) where now - since < Self.minute:
      guard count >= perMinute else {
        state = .counting(since: since, count: count + 1)
        return nil
      }
      let length = quarantineSeconds == 0 ? nil : Int64(quarantineSeconds) * 1000
      state = .quarantined(until: length.map { now + $0 })
      return Delay(milliseconds: length)
    case .quarantined(let until) where until.map({ now < $0 }) ?? true:
      return Delay(milliseconds: until.map { $0 - now })
    case .idle, .counting, .quarantined:
      state = .counting(since: now, count: 1)
      return nil
    }
  }
}
