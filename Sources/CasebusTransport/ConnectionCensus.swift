import CasebusWebSocket
import NIOCore
import Synchronization

/// Counts the connections, in all and by address, and refuses those that are too many.
final class ConnectionCensus: Sendable {
  private struct Counts {
    var all = 0
    var byAddress: [String: Int] = [:]

    mutating func add(_ address: String) {
      all += 1
      byAddress[address, default: 0] += 1
    }

    mutating func remove(_ address: String) {
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
      if refusal == nil { counts.add(address) }
      return refusal
    }
    if let refusal { throw refusal }
    channel.closeFuture.whenComplete { _ in self.counts.withLock { $0.remove(address) } }
  }

  private func refusal(of address: String, _ counts: Counts) -> OpeningHandshakeRejection? {
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
