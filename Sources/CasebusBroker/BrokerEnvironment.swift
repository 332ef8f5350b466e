import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore
import Synchronization

/// What all loops of one broker share.
struct BrokerEnvironment: Sendable {
  var configuration: BrokerConfiguration
  var journal: any EventJournal
  var logger: Logger
  /// Names this run of the broker, so that session identifiers of two runs never meet.
  var instance: String
  var now: @Sendable () -> Timestamp
  var loops: LoopDirectory
  var consumers: ConsumerDirectory
  let sessions = Tally()
  let monitors = Tally()
  /// Sessions that want to be told positions.
  let positioned = Tally()
  let workspaces = Tally()
  /// Sessions that were ended because they did not read, since the start.
  let slowConsumers = Tally()
}

extension BrokerEnvironment {
  /// Unique among all sessions of this broker and its predecessors.
  func id(of session: SessionKey) -> String { "\(instance)-\(session.loop)-\(session.number)" }
}

/// The loops of a broker, and which of them hosts which workspace.
struct LoopDirectory: Sendable {
  let ports: [LoopPort]

  init(_ group: any EventLoopGroup) {
    ports = group.makeIterator().enumerated().map { LoopPort(index: $0.offset, eventLoop: $0.element) }
  }

  /// The loop that hosts a workspace: always the same one while the broker runs.
  func host(of workspace: WorkspaceID) -> LoopPort {
    ports[Int(UInt(bitPattern: workspace.hashValue) % UInt(ports.count))]
  }

  /// The port of an event loop, which must be one of the broker's.
  func port(of eventLoop: any EventLoop) -> LoopPort {
    guard let port = ports.first(where: { $0.eventLoop === eventLoop }) else {
      preconditionFailure("a session was opened on an event loop that is not of the broker's group")
    }
    return port
  }
}

/// A count that every loop may change.
final class Tally: Sendable {
  private let value = Atomic(0)

  var count: Int { value.load(ordering: .relaxed) }

  func add(_ amount: Int = 1) {
    value.add(amount, ordering: .relaxed)
  }

  /// Adds one unless the limit is reached.
  func add(limit: Int) -> Bool {
    let (_, new) = value.add(1, ordering: .relaxed)
    if new > limit { remove() }
    return new <= limit
  }

  func remove(_ amount: Int = 1) {
    value.subtract(amount, ordering: .relaxed)
  }
}
