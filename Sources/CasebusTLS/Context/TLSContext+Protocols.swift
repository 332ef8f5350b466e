internal import COpenSSL

extension TLSContext {
  func setProtocols(_ configuration: TLSProtocolConfiguration) throws(TLSConfigurationError) {
    setModes()
    try setMinimumVersion(configuration.minimumVersion)
    try check(SSL_CTX_set_cipher_list(pointer, configuration.ciphers), "ciphers \(configuration.ciphers)")
    if let suites = configuration.cipherSuites {
      try check(SSL_CTX_set_ciphersuites(pointer, suites), "cipher suites \(suites)")
    }
    let groups = configuration.groups ?? Self.knownGroups
    try check(Self.setGroups(groups, pointer), "groups \(groups)")
  }

  private func setModes() {
    casebus_SSL_CTX_set_safe_options(pointer)
    // An idle connection frees the 16 KiB for a record in each direction.
    SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
  }

  /// A stricter policy of the system is kept.
  private func setMinimumVersion(_ version: TLSVersion) throws(TLSConfigurationError) {
    let wanted = Int(version == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION)
    guard SSL_CTX_ctrl(pointer, SSL_CTRL_GET_MIN_PROTO_VERSION, 0, nil) < wanted else { return }
    try check(
      Int32(SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, wanted, nil)), "version \(version.rawValue)")
  }

  private static func setGroups(_ groups: String, _ pointer: OpaquePointer) -> Int32 {
    groups.withCString {
      Int32(SSL_CTX_ctrl(pointer, SSL_CTRL_SET_GROUPS_LIST, 0, UnsafeMutableRawPointer(mutating: $0)))
    }
  }

  /// The preferred groups that this system's OpenSSL has.
  private static let knownGroups: String = {
    guard let scratch = SSL_CTX_new(TLS_method()) else { preconditionFailure("no memory") }
    defer {
      SSL_CTX_free(scratch)
      OpenSSLErrors.clear()
    }
    return TLSProtocolConfiguration.preferredGroups.filter { setGroups($0, scratch) == 1 }.joined(separator: ":")
  }()

  func check(_ code: Int32, _ subject: String) throws(TLSConfigurationError) {
    guard code == 1 else { throw .openSSL(subject) }
  }
}

// MARK: - ALPN (RFC 7301)

extension TLSContext {
  func offerApplicationProtocols() throws(TLSConfigurationError) {
    // Unlike similar calls this one returns 0 for success.
    let code = SSL_CTX_set_alpn_protos(pointer, applicationProtocols, UInt32(applicationProtocols.count))
    guard code == 0 else { throw .openSSL("application protocols") }
  }

  func answerApplicationProtocols() {
    SSL_CTX_set_alpn_select_cb(
      pointer,
      { ssl, selected, selectedCount, offered, offeredCount, _ in
        let ours = TLSContext.of(ssl).applicationProtocols
        return ours.withUnsafeBufferPointer { ours in
          TLSContext.select(ours, selected, selectedCount, offered, offeredCount)
        }
      }, nil)
  }

  /// Our first protocol that the client offers, as a part of its offer; if there is none, the handshake ends with
  /// the alert no_application_protocol (RFC 7301 §3.2).
  private static func select(
    _ ours: UnsafeBufferPointer<UInt8>, _ selected: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ selectedCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32
  ) -> Int32 {
    guard let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    var our = 0
    while our < ours.count {
      let name = UnsafeBufferPointer(rebasing: ours[our...].prefix(1 + Int(ours[our])))
      if let match = position(of: name, in: UnsafeBufferPointer(start: offered, count: Int(offeredCount))) {
        selected?.pointee = offered + match + 1
        selectedCount?.pointee = name[0]
        return SSL_TLSEXT_ERR_OK
      }
      our += name.count
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
  }

  private static func position(of name: UnsafeBufferPointer<UInt8>, in offered: UnsafeBufferPointer<UInt8>) -> Int? {
    var position = 0
    while position < offered.count {
      let end = position + 1 + Int(offered[position])
      guard end <= offered.count else { return nil }
      if offered[position..<end].elementsEqual(name) { return position }
      position = end
    }
    return nil
  }
}
