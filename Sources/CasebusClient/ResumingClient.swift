public import CasebusProtocol

/// The events of a broker over any number of connections: when one ends, the next one resumes after the last event that was
/// taken (Protocol §9.2).
///
///     for try await update in ResumingClient(to: ["interaction"], connect: { … }) {
///       switch update {
///       case .connected(let client, isWhole: false): state = try await client.request("interaction.getInteractions")
///       case .connected(_, isWhole: true): break
///       case .event(let event): handle(event)
///       }
///     }
///
/// It ends when its task is cancelled or the client of the last `connected` is closed.
public struct ResumingClient: AsyncSequence, Sendable {
  /// A new connection, or an event of the current one.
  public enum Update: Sendable {
    /// There is a new connection, also for requests. If it is not whole, it is the first one, or events may be missing:
    /// request the state. The answer of `getInteractions` includes all earlier events, and perhaps some that still come.
    case connected(CasebusClient, isWhole: Bool)
    case event(CasebusClient.Event)
  }

  /// Makes a connection. Called again after each end.
  public typealias Connect = @Sendable () async throws(ClientError) -> CasebusClient

  let names: [String]
  let since: ResumePoint?
  let durable: String?
  let backoff: Backoff
  let connect: Connect

  /// - Parameters:
  ///   - names: the names of the wanted events.
  ///   - since: the position after which the first connection begins; nil for live events only.
  ///   - durable: the durable consumer to join (Protocol §9.3); unacknowledged events come again.
  ///   - connect: makes a connection, always to the same workspace.
  public init(
    to names: [String], since: ResumePoint? = nil, durable: String? = nil, backoff: Backoff = Backoff(),
    connect: @escaping Connect
  ) {
    self.names = names
    self.since = since
    self.durable = durable
    self.backoff = backoff
    self.connect = connect
  }

  public func makeAsyncIterator() -> ResumingIterator { ResumingIterator(self) }
}
