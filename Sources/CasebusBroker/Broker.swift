package import CasebusJournal
package import CasebusProtocol
package import CasebusWorkspace
package import Logging
package import NIOCore

/// The broker: sessions subscribe, ask and publish; workspaces decide; events are fanned out (Protocol §4).
///
/// It knows neither sockets nor files: messages come in by ``Session`` and leave by ``SessionSink``, events are committed to
/// an `EventJournal`.
package final class Broker: Sendable {
  let environment: BrokerEnvironment

  /// - Parameters:
  ///   - group: the event loops whose connections this broker serves.
  ///   - journal: keeps the events.
  ///   - instance: a text that no other run of a broker has; part of the session identifiers.
  ///   - now: the wall clock.
  package init(
    group: any EventLoopGroup, journal: any EventJournal, configuration: BrokerConfiguration, logger: Logger,
    instance: String, now: @escaping @Sendable () -> Timestamp
  ) {
    let environment = BrokerEnvironment(
      configuration: configuration, journal: journal, logger: logger, instance: instance, now: now,
      loops: LoopDirectory(group), consumers: ConsumerDirectory(journal: journal))
    self.environment = environment
    for port in environment.loops.ports {
      port.eventLoop.execute { port.start(BrokerLoop(port: port, environment: environment)) }
    }
    wakeWorkspaces()
  }

  /// Workspaces in which something is due come into memory without anybody asking for them.
  private func wakeWorkspaces() {
    let environment = environment
    environment.journal.workspacesWithDeadline { result in
      switch result {
      case .success(let workspaces):
        for workspace in workspaces { environment.loops.host(of: workspace).execute { $0.wake(workspace) } }
      case .failure(let error):
        environment.logger.error("the journal cannot be read", metadata: ["error": "\(error)"])
      }
    }
  }

  /// How many sessions are open now.
  package var sessionCount: Int { environment.sessions.count }

  /// How many sessions were ended because they did not read, since the start.
  package var slowConsumerCount: Int { environment.slowConsumers.count }

  /// Takes the room for one session that is about to open.
  /// - Throws: ``Failure`` with `limit_exceeded` if there are `sessionsMax` already.
  package func reserveSession() throws(Failure) -> SessionReservation {
    let limit = environment.configuration.sessionsMax
    guard environment.sessions.add(limit: limit) else {
      throw Failure(.limitExceeded, "\(limit) sessions are open, the most this broker takes (sessionsMax)")
    }
    return SessionReservation(environment.sessions)
  }

  /// Opens a session; on the event loop of its connection.
  /// - Parameter origin: where the connection comes from.
  package func openSession(
    _ scope: WorkspaceScope, reservation: SessionReservation, encoding: MessageEncoding, sink: any SessionSink,
    origin: SessionOrigin, on eventLoop: any EventLoop
  ) -> Session {
    environment.loops.port(of: eventLoop).loop.open(
      scope, reservation: reservation, encoding: encoding, sink: sink, origin: origin)
  }

  /// Stops: what was asked is answered, then the sessions are closed with `shutting_down`, many of them in batches spread
  /// over the time given. New messages are refused, and a session that still opens is closed at once.
  package func drain(within time: TimeAmount) {
    for port in environment.loops.ports {
      port.execute { $0.drain(within: time) }
    }
  }

  /// Ends the sessions that are still there, without a closing handshake.
  package func cutOff() {
    for port in environment.loops.ports {
      port.execute { $0.cutOff() }
    }
  }
}
