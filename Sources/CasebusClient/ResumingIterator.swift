import CasebusProtocol

/// One run of a ``ResumingClient``.
public struct ResumingIterator: AsyncIteratorProtocol {
  private let plan: ResumingClient
  private var connection: Connection?
  /// The position after which the next connection begins.
  private var position: ResumePoint?
  /// Failed attempts since the last event; nil before the first connection.
  private var failures: Int?
  private var isOver = false

  private struct Connection {
    let client: CasebusClient
    var events: CasebusClient.Events.Iterator
    let start = ContinuousClock.now
  }

  init(_ plan: ResumingClient) {
    self.plan = plan
    position = plan.since
  }

  /// - Returns: nil when the task is cancelled or the client was closed by its user.
  /// - Throws: ``ClientError`` if the first connection failed, or if reconnecting would fail again (Protocol §2.5).
  public mutating func next() async throws(ClientError) -> ResumingClient.Update? {
    while !isOver {
      guard connection != nil else {
        if let update = try await connected() { return update }
        continue
      }
      if let event = await connection?.events.next() { return .event(given(event)) }
      try await connectionEnded()
    }
    return nil
  }

  private mutating func given(_ event: CasebusClient.Event) -> CasebusClient.Event {
    failures = 0
    // A position belongs to one workspace: a connection for all workspaces cannot resume (Protocol §9.2).
    if let position = event.labels.position, event.labels.workspaceID == nil { self.position = .after(position) }
    return event
  }

  private mutating func connectionEnded() async throws(ClientError) {
    guard let connection else { return }
    let client = connection.client
    self.connection = nil
    if connection.start.duration(to: .now) > plan.backoff.longest { failures = 0 }
    if Task.isCancelled {
      await client.close()
      isOver = true
    } else if let end = client.end, !end.isWorthAnotherTry {
      isOver = true
      if case .connectionLost(code: 1000, _) = end { return }
      throw end
    }
  }

  /// - Returns: nil if connecting failed and another attempt can succeed.
  private mutating func connected() async throws(ClientError) -> ResumingClient.Update? {
    guard await waited() else { return nil }
    do throws(ClientError) {
      let client = try await plan.connect()
      return try await subscribed(client)
    } catch {
      guard failures != nil, error.isWorthAnotherTry else {
        isOver = true
        throw error
      }
      failures? += 1
      return nil
    }
  }

  /// - Returns: false if the task was cancelled.
  private mutating func waited() async -> Bool {
    if let failures {
      var random = SystemRandomNumberGenerator()
      try? await Task.sleep(for: plan.backoff.delay(afterFailures: failures, using: &random))
    }
    isOver = Task.isCancelled
    return !isOver
  }

  private mutating func subscribed(_ client: CasebusClient) async throws(ClientError) -> ResumingClient.Update {
    let isFirst = failures == nil
    do throws(ClientError) {
      let since = plan.durable == nil || isFirst ? position : nil
      let result = try await client.subscribe(to: plan.names, positions: true, since: since, durable: plan.durable)
      connection = Connection(client: client, events: client.events.makeAsyncIterator())
      failures = (failures ?? -1) + 1
      let isWhole = result.recovered ?? (result.durable != nil && !isFirst)
      // Until the first replayed event arrives, the position stays that of the last connection.
      if !isWhole { position = result.position.map(ResumePoint.after) }
      return .connected(client, isWhole: isWhole)
    } catch {
      await client.close()
      throw error
    }
  }
}
