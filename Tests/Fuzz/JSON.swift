import CasebusProtocol
import NIOCore

/// Whatever the bytes, the codec gives a message or a failure, and what it read it writes and reads again the same.
enum JSONFuzz {
  /// - Returns: what went wrong.
  static func run(_ input: UnsafeRawBufferPointer) -> String? {
    let text = ByteBuffer(bytes: input)
    _ = try? ClientMessage(decoding: text)
    _ = try? ServerMessage(decoding: text)
    do throws(JSONError) {
      let value = try JSONValue(parsing: text)
      let again = try? JSONValue(parsing: value.jsonText)
      return again == value ? nil : "\(value.jsonText) was read back as \(again?.jsonText ?? "nothing")"
    } catch {
      return (0...input.count).contains(error.position) ? nil : "\(error) is outside of \(input.count) bytes"
    }
  }
}

#if FUZZING
  @_cdecl("LLVMFuzzerTestOneInput")
  public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    if let complaint = JSONFuzz.run(UnsafeRawBufferPointer(start: bytes, count: count)) { fatalError(complaint) }
    return 0
  }
#endif
