import CasebusWebSocket
import NIOCore
import Synchronization

/// Counts the connections, in all and by address, and refuses those that are too many. Knows those that are no WebSocket
/// connections (yet), to end them when the server stops.
final class ConnectionCensus: Sendable {
  private struct Counts {
    var all = 0
    var byAddress: [String: Int] = [:]
    var plain: [ObjectIdentifier: any Channel] = [:]
    var isQuiescing = false

    mutating func add(_ channel: any Channel, from address: String) {
      all += 1
      byAddress[address, default: 0] += 1
      plain[ObjectIdentifier(channel)] = channel
    }

    mutating func remove(_ channel: ObjectIdentifier, from address: String) {
      plain[channel] = nil
      all -= 1
      let others = byAddress[address, default: 1] - 1
      byAddress[address] = others > 0 ? others : nil
    }
  }

  private let configuration: ConnectionConfiguration
  private let counts = Mutex(Counts())

  init(_ configuration: ConnectionConfiguration) {
    self.configuration = configuration
  }

  /// Counts a connection until it is closed.
  /// - Throws: the answer to give to it instead of anything else; it is then not counted.
  func admit(_ channel: any Channel) throws(OpeningHandshakeRejection) {
    let address = channel.remoteAddress?.ipAddress ?? ""
    let refusal: OpeningHandshakeRejection? = counts.withLock { counts in
      let refusal = self.refusal(of: address, counts)
      if refusal == nil { counts.add(channel, from: address) }
      return refusal
    }
    if let refusal { throw refusal }
    let id = ObjectIdentifier(channel)
    channel.closeFuture.whenComplete { _ in self.counts.withLock { $0.remove(id, from: address) } }
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

  private func refusal(of address: String, _ counts: Counts) -> OpeningHandshakeRejection? {
    guard !counts.isQuiescing else { return .full("the broker is stopping") }
    guard counts.all < configuration.connectionsMax else {
      return .full("\(configuration.connectionsMax) connections are open (connectionsMax)")
    }
    let ofAddress = counts.byAddress[address, default: 0]
    guard ofAddress < configuration.connectionsPerAddressMax else {
      return .full("\(ofAddress) connections are open from \(address) (connectionsPerAddressMax)")
    }
    return nil
  }
}

extension OpeningHandshakeRejection {
  fileprivate static func full(_ reason: String) -> OpeningHandshakeRejection {
    OpeningHandshakeRejection(status: 503, reason)
  }
}
