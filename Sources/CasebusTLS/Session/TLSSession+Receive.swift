internal import COpenSSL
package import struct NIOCore.ByteBuffer

extension TLSSession {
  /// The maximum data of one event; the rest is in the next one.
  private static var eventBytesMax: Int { 65_536 }
  /// The limit of output that a peer causes without sending data: answers to key updates (RFC 8446 §4.6.3).
  private static var provokedBytesMax: Int { 4096 }

  /// Takes all received bytes.
  package func receive(_ bytes: inout ByteBuffer) {
    if case .failed = state { return bytes.clear() }
    if wire.inbound.readableBytes == 0 {
      wire.inbound = bytes
    } else {
      wire.inbound.writeBuffer(&bytes)
    }
    bytes = ByteBuffer()
  }

  /// The transport ended: no more bytes follow.
  package func endOfInput() {
    isInputEnded = true
  }

  /// The next event in the received bytes; nil until there are more.
  package func nextEvent() -> TLSEvent? {
    if let event = heldBack {
      heldBack = nil
      return event
    }
    return switch state {
    case .sniffing: sniff()
    case .handshaking: handshake()
    case .open(let halves): halves.isInputOpen ? read(halves) : drop()
    case .failed: drop()
    }
  }

  private func drop() -> TLSEvent? {
    wire.inbound = ByteBuffer()
    return nil
  }

  private func sniff() -> TLSEvent? {
    switch PlainHTTPDetector.verdict(wire.inbound.readableBytesView) {
    case .undecided:
      return waitForMore()
    case .somethingElse:
      state = .handshaking
      return handshake()
    case .http:
      wire.outbound.writeString(PlainHTTPDetector.answer)
      return fail(.plainHTTP)
    }
  }

  private func handshake() -> TLSEvent? {
    OpenSSLErrors.clear()
    let code = SSL_do_handshake(ssl)
    if code == 1 { return completed() }
    let event = event(afterCode: code)
    if case .failed(.violation) = event { alert() }
    return event
  }

  private func completed() -> TLSEvent? {
    if let complaint = complaintAboutResumption { return fail(.certificateRefused(.expired(complaint))) }
    state = .open(Halves())
    return .handshakeCompleted
  }

  /// OpenSSL sends nothing to a peer whose first bytes are not TLS; it gets the alert unexpected_message (RFC 8446 §5).
  private func alert() {
    guard !wire.hasWritten else { return }
    wire.outbound.writeBytes([21, 3, 3, 0, 2, 2, 10])
  }

  private func read(_ halves: Halves) -> TLSEvent? {
    let outboundBytes = wire.outbound.readableBytes
    var plaintext = ByteBuffer()
    OpenSSLErrors.clear()
    var code: Int32
    repeat { code = readOnce(into: &plaintext) } while code > 0 && plaintext.readableBytes < Self.eventBytesMax
    let provokedBytes = wire.outbound.readableBytes - outboundBytes
    guard plaintext.readableBytes > 0 else { return readNothing(halves, code, provokedBytes: provokedBytes) }
    set(halves) { $0.provokedBytes = 0 }
    // OpenSSL reports the reason only once.
    if code <= 0 { heldBack = event(afterCode: code) }
    return .data(plaintext)
  }

  private func readNothing(_ halves: Halves, _ code: Int32, provokedBytes: Int) -> TLSEvent? {
    set(halves) { $0.provokedBytes += provokedBytes }
    guard halves.provokedBytes + provokedBytes <= Self.provokedBytesMax else { return fail(.chatter) }
    return event(afterCode: code)
  }

  private func readOnce(into plaintext: inout ByteBuffer) -> Int32 {
    var code: Int32 = 0
    let expected = max(Int(SSL_pending(ssl)), min(wire.inbound.readableBytes, Self.eventBytesMax), 64)
    plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: expected) { target in
      code = SSL_read(ssl, target.baseAddress, Int32(clamping: target.count))
      return Int(max(0, code))
    }
    return code
  }
}

// MARK: - The result of a call to OpenSSL

extension TLSSession {
  private func event(afterCode code: Int32) -> TLSEvent? {
    switch SSL_get_error(ssl, code) {
    case SSL_ERROR_WANT_READ: waitForMore()
    case SSL_ERROR_ZERO_RETURN: peerClosed()
    case _: fail(error(of: OpenSSLErrors.take()))
    }
  }

  private func waitForMore() -> TLSEvent? {
    guard isInputEnded else { return nil }
    if case .open = state { return fail(.truncated) }
    return fail(.closedDuringHandshake)
  }

  private func peerClosed() -> TLSEvent? {
    guard case .open(let halves) = state else { return fail(.closedDuringHandshake) }
    set(halves) { $0.isInputOpen = false }
    return .peerClosed
  }

  private func set(_ halves: Halves, _ change: (inout Halves) -> Void) {
    var halves = halves
    change(&halves)
    state = .open(halves)
  }

  private func fail(_ error: TLSError) -> TLSEvent? {
    state = .failed
    wire.inbound = ByteBuffer()
    return .failed(error)
  }

  private func error(of errors: OpenSSLErrors) -> TLSError {
    if errors.contains(library: ERR_LIB_SSL, reason: SSL_R_CERTIFICATE_VERIFY_FAILED) {
      return .certificateRefused(refusal)
    }
    // OpenSSL's name for first bytes of a server that are not a record.
    if context.role == .client, errors.contains(library: ERR_LIB_SSL, reason: SSL_R_WRONG_VERSION_NUMBER) {
      return .notTLS
    }
    return errors.alert.map { .alertReceived($0) } ?? .violation(errors.text)
  }
}
