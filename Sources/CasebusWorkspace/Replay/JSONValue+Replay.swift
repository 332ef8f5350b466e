import CasebusProtocol
import struct NIOCore.ByteBuffer

extension JSONLimits {
  /// Limits for texts that the broker wrote, around data within the limits of messages.
  static let replay = JSONLimits(depthMax: 256, keysMax: .max)
}

extension JSONValue {
  init(replaying buffer: ByteBuffer) throws(ReplayError) {
    do throws(JSONError) {
      try self.init(parsing: buffer, limits: .replay)
    } catch {
      throw ReplayError("not valid JSON: \(error)")
    }
  }

  /// A required text member.
  func text(_ name: String) throws(ReplayError) -> String {
    guard let text = self[name]?.stringValue else { throw ReplayError("\(name) is no string") }
    return text
  }

  /// A required text member with an identifier.
  func identifier(_ name: String) throws(ReplayError) -> Identifier { Identifier(try text(name)) }

  /// A required integer member.
  func integer(_ name: String) throws(ReplayError) -> Int64 {
    guard case .number(let number) = self[name], let integer = number.integer else {
      throw ReplayError("\(name) is no integer")
    }
    return Int64(integer)
  }
}
