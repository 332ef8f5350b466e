import CasebusConsole
import CasebusServer

/// All ports of a broker, the one without TLS first.
struct BrokerAddresses {
  let all: [ListeningAddress]

  init(_ addresses: ListeningAddresses) {
    all = addresses.plain.map { ListeningAddress($0) } + addresses.tls.map { ListeningAddress($0, isSecure: true) }
  }

  /// The address for a client by default.
  var first: ListeningAddress { all[0] }
  var tls: ListeningAddress? { all.first(where: \.isSecure) }
}
