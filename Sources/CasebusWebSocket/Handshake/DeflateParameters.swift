/// The parameters of one permessage-deflate element, as an offer or an answer has them (RFC 7692 §7.1).
struct DeflateParameters: Equatable {
  static let extensionName = "permessage-deflate"

  enum WindowBits: Equatable {
    case absent
    /// Present without a value: only a client's offer of `client_max_window_bits` may be so (RFC 7692 §7.1.2.2).
    case anyValue
    case value(Int)
  }

  var serverNoContextTakeover = false
  var clientNoContextTakeover = false
  var serverMaxWindowBits = WindowBits.absent
  var clientMaxWindowBits = WindowBits.absent

  init() {}

  /// - Returns: nil for a parameter that is unknown, repeated, or has a wrong value (RFC 7692 §7.1).
  init?(_ parameters: [ExtensionOffer.Parameter]) {
    guard Set(parameters.map(\.name)).count == parameters.count else { return nil }
    for parameter in parameters {
      guard read(parameter) else { return nil }
    }
    guard serverMaxWindowBits != .anyValue else { return nil }
  }

  private mutating func read(_ parameter: ExtensionOffer.Parameter) -> Bool {
    switch parameter.name {
    case "server_no_context_takeover":
      serverNoContextTakeover = true
      return parameter.value == nil
    case "client_no_context_takeover":
      clientNoContextTakeover = true
      return parameter.value == nil
    case "server_max_window_bits":
      return Self.read(parameter.value, into: &serverMaxWindowBits)
    case "client_max_window_bits":
      return Self.read(parameter.value, into: &clientMaxWindowBits)
    default:
      return false
    }
  }

  /// RFC 7692 §7.1.2: 8 to 15, decimal, without leading zeros.
  private static func read(_ text: String?, into bits: inout WindowBits) -> Bool {
    guard let text else {
      bits = .anyValue
      return true
    }
    guard let value = (8...15).first(where: { String($0) == text }) else { return false }
    bits = .value(value)
    return true
  }
}

extension DeflateParameters: CustomStringConvertible {
  /// The element for Sec-WebSocket-Extensions.
  var description: String {
    var parts = [Self.extensionName]
    if serverNoContextTakeover { parts.append("server_no_context_takeover") }
    if clientNoContextTakeover { parts.append("client_no_context_takeover") }
    parts += Self.windowBits("server_max_window_bits", serverMaxWindowBits)
    parts += Self.windowBits("client_max_window_bits", clientMaxWindowBits)
    return parts.joined(separator: "; ")
  }

  private static func windowBits(_ name: String, _ bits: WindowBits) -> [String] {
    switch bits {
    case .absent: []
    case .anyValue: [name]
    case .value(let value): ["\(name)=\(value)"]
    }
  }
}
