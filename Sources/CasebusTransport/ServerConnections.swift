/// What the connections of all listeners of one server share: limits that count them together, timers and deflaters.
package final class ServerConnections: Sendable {
  let configuration: ConnectionConfiguration
  let census: ConnectionCensus
  let refusals = RefusalLog()
  let backlog: OutboundBacklog
  let deflaters: LoopDeflaters?
  let timers = PerLoop { TimerWheel($0) }
  let counters = PerLoop { _ in ConnectionCounter() }

  package init(_ configuration: ConnectionConfiguration) {
    self.configuration = configuration
    census = ConnectionCensus(ConnectionCountLimits(configuration))
    backlog = OutboundBacklog(bytesMax: configuration.outboundTotalBytesMax)
    deflaters = configuration.deflate.map(LoopDeflaters.init)
  }

  /// New connections are admitted by these limits; open ones stay.
  package func setLimits(_ limits: ConnectionCountLimits) {
    census.setLimits(limits)
  }

  /// Not to be called on an event loop: it asks each of them.
  package func statistics() async -> TransportStatistics {
    var statistics = census.statistics
    for counts in await counters.gather({ $0.counts }) { statistics.counts += counts }
    return statistics
  }
}
