/// A number of RFC 8259 §6 as `digits` × 10^`exponent`, to find out whether it is an integer. `digits` has no zeros at its
/// ends. The cost is one pass over the text, whatever the exponent is.
struct DecimalText {
  private var isNegative = false
  private var digits: [UInt8] = []
  private var exponent = 0

  /// - Parameter text: valid by RFC 8259 §6.
  init(_ text: String) {
    let bytes = Array(text.utf8)
    let end = bytes.firstIndex { $0 | 0x20 == UInt8(ascii: "e") } ?? bytes.count
    exponent = Self.exponent(bytes.dropFirst(end + 1))
    isNegative = bytes.first == UInt8(ascii: "-")
    readSignificand(bytes[(isNegative ? 1 : 0)..<end])
  }

  /// Above the number of digits of any text the exact value does not matter.
  private static func exponent(_ bytes: ArraySlice<UInt8>) -> Int {
    let isNegative = bytes.first == UInt8(ascii: "-")
    var value = 0
    for byte in bytes where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "+") {
      value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
    }
    return isNegative ? -value : value
  }

  private mutating func readSignificand(_ bytes: ArraySlice<UInt8>) {
    var isFraction = false
    for byte in bytes {
      guard byte != UInt8(ascii: ".") else {
        isFraction = true
        continue
      }
      if isFraction { exponent -= 1 }
      if byte != UInt8(ascii: "0") || !digits.isEmpty { digits.append(byte - UInt8(ascii: "0")) }
    }
    let zeros = digits.reversed().prefix { $0 == 0 }.count
    digits.removeLast(zeros)
    exponent += zeros
  }

  /// nil if there is a fraction, or if the value does not fit into an `Int`.
  var integer: Int? {
    guard !digits.isEmpty else { return 0 }
    guard exponent >= 0, digits.count + exponent <= 19 else { return nil }
    var value = 0
    for digit in digits + Array(repeating: 0, count: exponent) {
      // Negative, because the range of `Int` is larger below 0.
      let (tenfold, isTooSmall) = value.multipliedReportingOverflow(by: 10)
      let (next, isOverflow) = tenfold.subtractingReportingOverflow(Int(digit))
      guard !isTooSmall, !isOverflow else { return nil }
      value = next
    }
    if isNegative { return value }
    return value == .min ? nil : -value
  }
}
