import CasebusTLS
import CasebusWebSocket
import NIOCore

extension Channel {
  /// Who is at the other end. On the channel's event loop.
  /// - Parameter isSecure: whether the channel speaks TLS.
  func peer(isSecure: Bool) -> OpeningRequest.Peer {
    let tls = isSecure ? try? pipeline.syncOperations.handler(type: TLSHandler.self) : nil
    return OpeningRequest.Peer(address: addressText, certificateSubject: tls?.peerSubject, isSecure: isSecure)
  }

  private var addressText: String? {
    guard let address = remoteAddress, let host = address.ipAddress, let port = address.port else { return nil }
    return "\(host):\(port)"
  }
}
