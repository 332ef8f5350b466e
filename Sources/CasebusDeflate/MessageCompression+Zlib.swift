package import CasebusWebSocket

extension MessageCompression {
  /// The compression of a server's connection. It has no state of its own for sending.
  package static func server(
    _ agreement: DeflateAgreement, thresholdBytes: Int, deflaters: SharedDeflaters
  ) -> MessageCompression {
    precondition(!agreement.server.keepsContext, "the server's messages stand alone")
    return MessageCompression(
      agreement: agreement, thresholdBytes: thresholdBytes,
      makeInflater: { Inflater(agreement.client) },
      deflater: { deflaters.deflater(windowBits: agreement.server.windowBits) })
  }

  /// The compression of a client's connection, with its own deflater, which is made for the first compressed message.
  package static func client(
    _ agreement: DeflateAgreement, thresholdBytes: Int, level: Int = Deflater.defaultLevel
  ) -> MessageCompression {
    lazy var deflater = Deflater(agreement.client, level: level)
    return MessageCompression(
      agreement: agreement, thresholdBytes: thresholdBytes,
      makeInflater: { Inflater(agreement.server) },
      deflater: { deflater })
  }
}
