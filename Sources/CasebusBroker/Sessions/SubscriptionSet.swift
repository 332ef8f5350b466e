import CasebusProtocol

/// The subscriptions of one session, and what they want together.
struct SubscriptionSet {
  private var subscriptions: [SubscriptionID: [EventName]] = [:]
  private var subscriptionsMade = 0
  var count: Int { subscriptions.count }
  /// Every event that at least one subscription wants.
  private(set) var wanted: Set<EventName> = []
  /// How many subscriptions want an event, so that the end of one looks at its own names only.
  private var wantedCounts: [EventName: Int] = [:]

  /// - Throws: ``Failure`` with `limit_exceeded`.
  mutating func add(
    _ names: [EventName], session: String, limits: BrokerConfiguration
  ) throws(Failure) -> SubscriptionID {
    guard subscriptions.count < limits.subscriptionsPerSessionMax else {
      throw Failure(
        .limitExceeded,
        "the session has \(subscriptions.count) subscriptions, the most it may have (subscriptionsPerSessionMax)")
    }
    subscriptionsMade += 1
    let id = SubscriptionID("\(session)-\(subscriptionsMade)")
    subscriptions[id] = names
    for name in names { want(name) }
    return id
  }

  /// Whether a subscription could be made that must be the only one.
  /// - Throws: ``Failure`` with `invalid_message`.
  func checkOnly() throws(Failure) {
    guard subscriptions.isEmpty else {
      throw Failure(
        .invalidMessage,
        "durable can only be given with the only subscription of a session, this one has \(subscriptions.count)")
    }
  }

  /// What is wrong with a subscription to so many events; nil if nothing is.
  static func excess(of names: [EventName], limits: BrokerConfiguration) -> Failure? {
    guard names.count > limits.eventNamesPerSubscriptionMax else { return nil }
    return Failure(
      .limitExceeded,
      "the subscription has \(names.count) event names, allowed are \(limits.eventNamesPerSubscriptionMax) "
        + "(eventNamesPerSubscriptionMax)")
  }

  /// - Throws: ``Failure`` with `subscription_not_found`.
  mutating func remove(_ id: SubscriptionID) throws(Failure) {
    guard let names = subscriptions.removeValue(forKey: id) else {
      throw Failure(.subscriptionNotFound, "this session has no subscription \"\(id)\"")
    }
    for name in names { unwant(name) }
  }

  private mutating func want(_ name: EventName) {
    wantedCounts[name, default: 0] += 1
    wanted.insert(name)
  }

  private mutating func unwant(_ name: EventName) {
    guard let count = wantedCounts[name], count > 1 else {
      wantedCounts[name] = nil
      wanted.remove(name)
      return
    }
    wantedCounts[name] = count - 1
  }
}
