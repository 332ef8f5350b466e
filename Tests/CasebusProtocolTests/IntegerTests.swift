import CasebusProtocol
import Testing

/// JSON has one type of numbers: an integer is one by its value, however it is written (RFC 8259 §6).
@Suite struct IntegerTests {
  static func integer(_ text: String) throws -> Int? {
    guard case .number(let number) = try JSONValue(parsing: text) else { return nil }
    return number.integer
  }

  @Test(arguments: [
    ("0", 0), ("-0", 0), ("0.0", 0), ("-0.0e7", 0), ("0e99999999999999999999", 0), ("2", 2), ("2.0", 2), ("20e-1", 2),
    ("0.2e1", 2), ("0.02E+2", 2), ("1e0", 1), ("1e1", 10), ("-1.50e1", -15), ("100e-2", 1), ("12345.000e-0", 12345),
    ("9223372036854775807", Int.max), ("9223372036854775807.0", Int.max), ("922337203685477580.7e1", Int.max),
    ("-9223372036854775808", Int.min), ("-9223372036854775808.0", Int.min), ("1e18", 1_000_000_000_000_000_000),
  ])
  func valueCounts(_ text: String, _ value: Int) throws {
    #expect(try Self.integer(text) == value)
  }

  @Test(arguments: [
    "0.5", "1e-1", "2.5", "15e-1", "1e400", "1e19", "9223372036854775808", "9223372036854775808.0",
    "-9223372036854775809",
    "1e99999999999999999999", "1e-99999999999999999999", "123456789012345678901234567890",
  ])
  func whatNoIntHoldsIsNone(_ text: String) throws {
    #expect(try Self.integer(text) == nil)
  }

  @Test func longTextIsReadOnce() throws {
    let zeros = String(repeating: "0", count: 200_000)
    #expect(try Self.integer("1" + zeros + "e-200000") == 1)
    #expect(try Self.integer("0." + zeros + "7e200001") == 7)
    #expect(try Self.integer("1" + zeros) == nil)
  }
}
