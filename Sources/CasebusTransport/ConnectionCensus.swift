import CasebusWebSocket
import NIOCore
import Synchronization

/// Counts the connections, in all and by address, and refuses those above a limit. It has the connections that are not
/// (yet) WebSocket connections, to end them when the server stops.
final class ConnectionCensus: Sendable {
  private struct Counts {
    var all = 0
    var refusals = 0
    var byAddress: [ClientAddress: Int] = [:]
    var plain: [ObjectIdentifier: any Channel] = [:]
    var isQuiescing = false
    /// Since the start.
    var statistics = TransportStatistics()
    var limits: ConnectionCountLimits

    init(_ limits: ConnectionCountLimits) {
      self.limits = limits
    }

    mutating func add(_ channel: any Channel, from address: ClientAddress) {
      all += 1
      byAddress[address, default: 0] += 1
      plain[ObjectIdentifier(channel)] = channel
    }

    mutating func remove(_ channel: ObjectIdentifier, from address: ClientAddress) {
      plain[channel] = nil
      all -= 1
      let others = byAddress[address, default: 1] - 1
      byAddress[address] = others > 0 ? others : nil
    }
  }

  enum Admission {
    case welcome
    /// The answer that the connection gets to its first request.
    case refused(OpeningHandshakeRejection)
    /// Too many connections are being refused at this time to answer this one.
    case dropped(OpeningHandshakeRejection)
  }

  /// Connections that are being refused with an answer (`refusalsMax` of `registry/limits.json`). They use files, too,
  /// and would leave none for the journal.
  static var refusalsMax: Int { 32 }

  private let counts: Mutex<Counts>

  init(_ limits: ConnectionCountLimits) {
    counts = Mutex(Counts(limits))
  }

  /// New connections are admitted by these limits; open ones stay.
  func setLimits(_ limits: ConnectionCountLimits) {
    counts.withLock { $0.limits = limits }
  }

  /// Counts a connection until it is closed.
  func admit(_ channel: any Channel) -> Admission {
    let address = ClientAddress(channel.remoteAddress)
    let id = ObjectIdentifier(channel)
    let admission: Admission = counts.withLock { counts in
      counts.statistics.accepted += 1
      if let refusal = self.refusal(of: address, counts) { return refuse(refusal, &counts) }
      counts.add(channel, from: address)
      return .welcome
    }
    switch admission {
    case .welcome:
      channel.closeFuture.whenComplete { _ in self.counts.withLock { $0.remove(id, from: address) } }
    case .refused:
      channel.closeFuture.whenComplete { _ in self.counts.withLock { $0.refusals -= 1 } }
    case .dropped: break
    }
    return admission
  }

  /// The connection is a WebSocket connection from now on.
  func upgraded(_ channel: any Channel) {
    counts.withLock { _ = $0.plain.removeValue(forKey: ObjectIdentifier(channel)) }
  }

  /// The server stops: connections end when the request that has begun, if any, is answered.
  func quiesce() {
    let channels = counts.withLock { counts in
      counts.isQuiescing = true
      return Array(counts.plain.values)
    }
    for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
  }

  /// Without the counts of the event loops.
  var statistics: TransportStatistics {
    counts.withLock { counts in
      var statistics = counts.statistics
      statistics.open = counts.all
      statistics.openPlain = counts.plain.count
      return statistics
    }
  }

  private func refuse(
    _ refusal: (reason: TransportStatistics.Refusal, answer: OpeningHandshakeRejection), _ counts: inout Counts
  ) -> Admission {
    counts.statistics.refused[refusal.reason, default: 0] += 1
    guard counts.refusals < Self.refusalsMax else {
      counts.statistics.dropped += 1
      return .dropped(refusal.answer)
    }
    counts.refusals += 1
    return .refused(refusal.answer)
  }

  private func refusal(
    of address: ClientAddress, _ counts: Counts
  ) -> (reason: TransportStatistics.Refusal, answer: OpeningHandshakeRejection)? {
    guard !counts.isQuiescing else { return (.stopping, .stopping) }
    guard counts.all < counts.limits.connectionsMax else {
      let limit = counts.limits.connectionsMax
      return (
        .connectionsMax, .full("\(counts.all) connections are open, allowed are \(limit) (connectionsMax)")
      )
    }
    guard let limit = counts.limits.connectionsMax(of: address) else { return nil }
    let ofAddress = counts.byAddress[address, default: 0]
    guard ofAddress < limit else {
      return (
        .connectionsPerAddressMax,
        .full("\(ofAddress) connections are open from \(address), allowed are \(limit) (connectionsPerAddressMax)")
      )
    }
    return nil
  }
}

/// How many connections may be open; can change while the server runs.
package struct ConnectionCountLimits: Hashable, Sendable {
  fileprivate let connectionsMax: Int
  fileprivate let connectionsPerAddressMax: Int?

  package init(_ configuration: ConnectionConfiguration) {
    connectionsMax = configuration.connectionsMax
    connectionsPerAddressMax = configuration.connectionsPerAddressMax
  }

  /// nil if only all connections together are limited.
  fileprivate func connectionsMax(of address: ClientAddress) -> Int? {
    if let connectionsPerAddressMax { return connectionsPerAddressMax }
    return address.isLoopback ? nil : max(1, connectionsMax / 2)
  }
}

extension OpeningHandshakeRejection {
  static let stopping = full("the broker is stopping")

  fileprivate static func full(_ reason: String) -> OpeningHandshakeRejection {
    OpeningHandshakeRejection(status: 503, reason)
  }
}
