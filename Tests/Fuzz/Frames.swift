import CasebusDeflate
import CasebusWebSocket
import NIOCore

/// Any bytes, cut in any way, give the same events; whatever the machine answers is itself well-formed.
enum FramesFuzz {
  /// The first byte chooses role, compression and state, the second how the rest is cut.
  /// - Returns: what went wrong.
  static func run(_ input: UnsafeRawBufferPointer) -> String? {
    guard input.count > 2 else { return nil }
    let stream = Array(input[2...])
    let whole = Outcome(of: [stream], setup: input[0])
    let cut = Outcome(of: pieces(of: stream, seed: input[1]), setup: input[0])
    guard whole.agrees(with: cut) else { return "whole \(whole) but in pieces \(cut)" }
    return whole.complaint(setup: input[0])
  }

  private static func pieces(of stream: [UInt8], seed: UInt8) -> [[UInt8]] {
    var rest = stream[...]
    var pieces: [[UInt8]] = []
    while !rest.isEmpty {
      let piece = rest.prefix(1 + (Int(seed) &* 31 &+ pieces.count &* 17) % 13)
      pieces.append(Array(piece))
      rest = rest.dropFirst(piece.count)
    }
    return pieces
  }
}

private struct Outcome {
  static let limits = WebSocketLimits(
    messageBytesMax: 1000, frameBytesMax: 600, fragmentsPerMessageMax: 5, pingsPerMinuteMax: 5)

  var events: [WebSocketEvent] = []
  var outbound: [UInt8] = []
  var isClosed: Bool

  init(of pieces: [[UInt8]], setup: UInt8) {
    var connection = Self.connection(setup, isServer: setup & 1 == 0)
    if setup & 4 != 0 { _ = connection.startClose(code: .goingAway) }
    for piece in pieces {
      var buffer = ByteBuffer(bytes: piece)
      connection.receive(&buffer, at: 0)
      while let event = connection.nextEvent() { events.append(event) }
    }
    while let bytes = connection.nextOutbound() { outbound += bytes.readableBytesView }
    isClosed = connection.isClosed
  }

  static func connection(_ setup: UInt8, isServer: Bool) -> WebSocketConnection {
    let role = isServer ? WebSocketRole.server : .client { WebSocketMaskingKey(0x0102_0304) }
    let agreement = DeflateAgreement(
      server: .init(keepsContext: false), client: .init(keepsContext: setup & 8 != 0))
    let compression = MessageCompression(
      agreement: agreement, thresholdBytes: 0, makeInflater: { Inflater(agreement.inbound(for: role)) },
      deflater: { Deflater(agreement.outbound(for: role)) })
    return WebSocketConnection(role: role, limits: limits, compression: setup & 2 != 0 ? compression : nil)
  }

  /// Which of two faults in one piece of compressed text is seen first depends on the cut; nothing else does.
  func agrees(with other: Outcome) -> Bool {
    guard case .failed = events.last, case .failed = other.events.last else {
      return events == other.events && outbound == other.outbound && isClosed == other.isClosed
    }
    return events.dropLast() == other.events.dropLast() && isClosed && other.isClosed
  }

  func complaint(setup: UInt8) -> String? {
    for event in events {
      switch event {
      case .text(let text):
        guard text.readableBytes <= Self.limits.messageBytesMax else { return "text over the limit" }
        guard String(validating: text.readableBytesView, as: UTF8.self) != nil else { return "text not UTF-8" }
      case .binary(let bytes):
        guard bytes.readableBytes <= Self.limits.messageBytesMax else { return "message over the limit" }
      case .closeReceived, .failed:
        guard isClosed, event == events.last else { return "\(event) is not the end" }
      case .ping, .pong:
        break
      }
    }
    return complaintOfPeer(setup)
  }

  /// The other role must take what this one sent.
  private func complaintOfPeer(_ setup: UInt8) -> String? {
    var peer = Self.connection(setup, isServer: setup & 1 != 0)
    var buffer = ByteBuffer(bytes: outbound)
    peer.receive(&buffer, at: 0)
    while let event = peer.nextEvent() {
      if case .failed(let violation) = event { return "the peer refuses our frames: \(violation)" }
    }
    return nil
  }
}

#if FUZZING
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzzFrames(_ bytes: UnsafeRawPointer?, _ count: Int) -> CInt {
    if let complaint = FramesFuzz.run(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(complaint) }
    return 0
  }
#endif
