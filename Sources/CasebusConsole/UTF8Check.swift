/// Finds invalid UTF-8 (RFC 3629).
package enum UTF8Check {
  /// - Returns: the offset of the first invalid byte sequence; nil if all bytes are valid.
  package static func firstInvalidOffset(in bytes: some Collection<UInt8>) -> Int? {
    // Most texts are valid, and this check is fast.
    guard String(validating: bytes, as: UTF8.self) == nil else { return nil }
    var decoder = Unicode.UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var offset = 0
    while true {
      switch decoder.parseScalar(from: &rest) {
      case .valid(let scalar): offset += scalar.count
      case .error: return offset
      case .emptyInput: return nil
      }
    }
  }
}

extension UInt8 {
  /// As people write bytes, such as `E9`.
  package var hexText: String {
    let text = String(self, radix: 16, uppercase: true)
    return text.count == 1 ? "0\(text)" : text
  }
}
