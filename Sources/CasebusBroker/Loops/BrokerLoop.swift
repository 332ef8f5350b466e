import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import DequeModule
import Logging
import NIOCore

/// The broker's part on one event loop: its sessions, the workspaces it hosts, its share of the fan-out.
///
/// Everything in it is used on that loop only; other loops reach it by its ``LoopPort``.
final class BrokerLoop {
  let port: LoopPort
  let configuration: BrokerConfiguration
  let deflater: FrameDeflater
  let shard: FanoutShard
  var sessions: [UInt64: Session] = [:]
  var hosts: [WorkspaceID: WorkspaceHost] = [:]
  var sessionsMade: UInt64 = 0
  var phase = LoopPhase.idle
  var isTickScheduled = false
  var isPausedBetweenSlices = false
  var isWakeUpScheduled = false
  var isDraining = false
  let environment: BrokerEnvironment
  let commits: CommitQueue
  var counts = BrokerCounts()
  var router: WorkspaceRouter
  /// What this loop's sessions are still to be given.
  var inbox: Deque<SessionMessage> = []
  /// Messages that are decided when there is room for what comes of them.
  var window: DecisionWindow
  /// What monitors say and have in the workspaces of this loop.
  var monitors = MonitorAccounts()
  /// Whether a loop has so much to deliver that this one decides nothing that would add to it.
  var isCongested = false
  /// Sessions that may be read again.
  var resumingReaders: [Session] = []
  let outbox: DeliveryOutbox
  var replayTurns = ReplayTurns()
  /// Of the durable consumers of all workspaces.
  var consumerRooms: [JournalConsumer.Key: ConsumerRoom] = [:]

  init(port: LoopPort, environment: BrokerEnvironment) {
    self.port = port
    self.environment = environment
    configuration = environment.configuration
    deflater = FrameDeflater(configuration)
    shard = FanoutShard(
      deflater: deflater, monitorRest: .milliseconds(Int64(configuration.monitorWriteIntervalMilliseconds)),
      bytesMax: configuration.fanoutBytesMax)
    commits = CommitQueue(port: port, journal: environment.journal)
    router = WorkspaceRouter(environment.loops, own: port.index)
    window = DecisionWindow(bytesMax: configuration.outcomeBytesInFlightMax)
    outbox = DeliveryOutbox(loopCount: environment.loops.ports.count)
  }

  var loops: [LoopPort] { environment.loops.ports }
  var journal: any EventJournal { environment.journal }
  var consumers: ConsumerDirectory { environment.consumers }
  var logger: Logger { environment.logger }
}

@available(*, unavailable)
extension BrokerLoop: Sendable {}
