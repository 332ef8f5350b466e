package import CasebusWebSocket

extension MessageCompression {
  /// What a server's connection needs for the parameters it agreed on. It has no state of its own for sending.
  package static func server(
    _ agreement: DeflateAgreement, thresholdBytes: Int, deflaters: SharedDeflaters
  ) -> MessageCompression {
    precondition(!agreement.server.keepsContext, "the server's messages stand alone")
    return MessageCompression(
      agreement: agreement, thresholdBytes: thresholdBytes,
      makeInflater: { Inflater(agreement.client) },
      deflater: { deflaters.deflater(windowBits: agreement.server.windowBits) })
  }

  /// What a client's connection needs. Its deflater is its own, made at the first message it compresses.
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
