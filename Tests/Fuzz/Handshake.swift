import CasebusDeflate
import CasebusWebSocket

/// Any request and any answer get a verdict, and what is agreed on can be carried out.
enum HandshakeFuzz {
  /// The first byte chooses the side and whether a good handshake comes before the lines, which are "name:value".
  /// - Returns: what went wrong.
  static func run(_ input: UnsafeRawBufferPointer) -> String? {
    guard let setup = input.first else { return nil }
    let lines = String(decoding: input.dropFirst(), as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    return setup & 1 == 0
      ? complaintOfServer(lines, isComplete: setup & 2 != 0) : complaintOfClient(lines, isComplete: setup & 2 != 0)
  }

  private static let request = [
    (name: "Host", value: "h"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Sec-WebSocket-Version", "13"),
  ]

  private static let response = [
    (name: "Upgrade", value: "websocket"), ("Connection", "Upgrade"),
    ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
  ]

  private static func complaintOfServer(_ lines: [Substring], isComplete: Bool) -> String? {
    let target = isComplete ? "/" : String(lines.first ?? "")
    let headers = isComplete ? request + fields(lines) : fields(lines.dropFirst())
    switch OpeningHandshake().requestReceived(OpeningRequest(method: "GET", target: target, headers: headers)) {
    case .accept(let response):
      guard response.headers.count >= 3 else { return "\(response) lacks headers" }
      return complaint(response.deflate, isServer: true)
    case .reject(let rejection):
      return (400...426).contains(rejection.status) && !rejection.reason.isEmpty ? nil : "\(rejection) says nothing"
    }
  }

  private static func complaintOfClient(_ lines: [Substring], isComplete: Bool) -> String? {
    let handshake = ClientOpeningHandshake(keyBytes: Array("the sample nonce".utf8))
    let headers = isComplete ? response + fields(lines) : fields(lines)
    switch handshake.responseReceived(status: 101, headers: headers) {
    case .open(let agreement):
      guard [nil, "casebus.v2"].contains(agreement.subprotocol) else { return "\(agreement) was not asked for" }
      return complaint(agreement.deflate, isServer: false)
    case .fail:
      return nil
    }
  }

  /// Making the codecs traps on parameters that zlib cannot do.
  private static func complaint(_ agreement: DeflateAgreement?, isServer: Bool) -> String? {
    guard let agreement else { return nil }
    _ = Inflater(isServer ? agreement.client : agreement.server)
    _ = Deflater(isServer ? agreement.server : agreement.client)
    return isServer && agreement.server.keepsContext ? "the server keeps context" : nil
  }

  private static func fields(_ lines: some Collection<Substring>) -> [(name: String, value: String)] {
    lines.map { line in
      let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return (name: String(halves[0]), value: halves.count == 2 ? String(halves[1]) : "")
    }
  }
}

#if FUZZING
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzzHandshake(_ bytes: UnsafeRawPointer?, _ count: Int) -> CInt {
    if let complaint = HandshakeFuzz.run(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(complaint) }
    return 0
  }
#endif
