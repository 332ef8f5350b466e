internal import COpenSSL

/// Resumption by tickets alone: the server keeps nothing (RFC 5077, RFC 8446 §2.2).
extension TLSContext {
  func setTickets(seconds: Int) {
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)
    SSL_CTX_set_timeout(pointer, seconds)
    let code = SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer) { ssl, name, iv, cipher, mac, isSealing in
      guard let keys = TLSContext.of(ssl).ticketKeys, let name, let iv else { return -1 }
      let slot = TicketSlot(name: name, iv: iv, cipher: cipher, mac: mac)
      return isSealing == 1 ? slot.seal(keys) : slot.open(keys)
    }
    precondition(code == 1, "SSL_CTX_set_tlsext_ticket_key_evp_cb returned \(code)")
  }
}

/// The parameters of OpenSSL's callback for one ticket: SSL_CTX_set_tlsext_ticket_key_evp_cb(3).
private struct TicketSlot {
  let name: UnsafeMutablePointer<UInt8>
  let iv: UnsafeMutablePointer<UInt8>
  let cipher: OpaquePointer?
  let mac: OpaquePointer?

  // Fetched once: with EVP_aes_256_cbc() OpenSSL searches its providers for each ticket. Unsafe: never changed, never freed.
  private nonisolated(unsafe) static let aes: OpaquePointer = {
    guard let cipher = EVP_CIPHER_fetch(nil, "AES-256-CBC", nil) else {
      preconditionFailure("OpenSSL has no AES-256-CBC")
    }
    return cipher
  }()

  private static var failed: Int32 { -1 }
  /// A full handshake follows.
  private static var noTicket: Int32 { 0 }
  private static var done: Int32 { 1 }
  /// The ticket is valid, and the client gets a new one.
  private static var renew: Int32 { 2 }

  func seal(_ keys: TicketKeyRing) -> Int32 {
    guard let key = keys.sealingKey(at: .now) else { return Self.failed }
    name.update(from: key.name, count: TicketKeyRing.Key.nameBytes)
    let isReady =
      RAND_bytes(iv, EVP_CIPHER_get_iv_length(Self.aes)) == 1
      && EVP_EncryptInit_ex(cipher, Self.aes, nil, key.cipherKey, iv) == 1 && setMACKey(key)
    return isReady ? Self.done : Self.failed
  }

  func open(_ keys: TicketKeyRing) -> Int32 {
    let name = UnsafeBufferPointer(start: name, count: TicketKeyRing.Key.nameBytes)
    guard let (key, isNewest) = keys.openingKey(name, at: .now) else { return Self.noTicket }
    let isReady = EVP_DecryptInit_ex(cipher, Self.aes, nil, key.cipherKey, iv) == 1 && setMACKey(key)
    guard isReady else { return Self.failed }
    return isNewest ? Self.done : Self.renew
  }

  private func setMACKey(_ key: TicketKeyRing.Key) -> Bool {
    var macKey = key.macKey
    return casebus_EVP_MAC_CTX_set_SHA256_key(mac, &macKey, macKey.count) == 1
  }
}
