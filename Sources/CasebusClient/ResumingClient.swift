public import CasebusProtocol

/// The events of a broker over as many connections as it takes: when one ends, the next goes on after the last event that
/// was given out (Protocol §9.2).
///
///     for try await update in ResumingClient(to: ["interaction"], connect: { … }) {
///       switch update {
///       case .connected(let client, isWhole: false): state = try await client.request("interaction.getInteractions")
///       case .connected(_, isWhole: true): break
///       case .event(let event): handle(event)
///       }
///     }
///
/// It goes on until its task is cancelled or somebody closes the client that it told of last.
public struct ResumingClient: AsyncSequence, Sendable {
  public enum Update: Sendable {
    /// There is a connection, for requests too; its events come here. If it is not whole, then events may have been
    /// missed, or it is the first one: the state is to be asked for. What `getInteractions` answers then includes all
    /// events before it, and perhaps some that still come.
    case connected(CasebusClient, isWhole: Bool)
    case event(CasebusClient.Event)
  }

  public typealias Connect = @Sendable () async throws(ClientError) -> CasebusClient

  let names: [String]
  let since: ResumePoint?
  let durable: String?
  let backoff: Backoff
  let connect: Connect

  /// - Parameters:
  ///   - names: the names of the wanted events.
  ///   - since: after which event the first connection begins; nil for now.
  ///   - durable: the durable consumer to be part of (Protocol §9.3); what was not acknowledged comes again.
  ///   - connect: makes a connection, of always the same workspace.
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
