import CasebusProtocol
import struct NIOCore.ByteBuffer

extension JSONLimits {
  /// For what the broker wrote itself, around data that had passed the limits.
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

  /// A text member that must be there.
  func text(_ name: String) throws(ReplayError) -> String {
    guard let text = self[name]?.stringValue else { throw ReplayError("\(name) is no string") }
    return text
  }

  /// A text member that must be there and names something.
  func identifier(_ name: String) throws(ReplayError) -> Identifier { Identifier(try text(name)) }

  /// An integer member that must be there.
  func integer(_ name: String) throws(ReplayError) -> Int64 {
    guard case .number(let number) = self[name], let integer = number.integer else {
      throw ReplayError("\(name) is no integer")
    }
    return Int64(integer)
  }
}
