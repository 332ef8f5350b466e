internal import CZlib
internal import CasebusWebSocket

internal import struct NIOCore.ByteBuffer

extension Inflater {
  /// The state of the compressed stream after all input.
  enum Position {
    case insideBlock
    case betweenBlocks
  }

  func run(
    _ input: ByteBuffer, flush: Int32, into output: inout ByteBuffer, outputBytesMax: Int
  ) throws(InflateError) -> Position {
    try input.withUnsafeReadableBytes { bytes throws(InflateError) in
      stream.pointee.next_in = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_in = UInt32(bytes.count)
      defer { stream.pointee.next_in = nil }
      while true {
        let code = try inflateOnce(flush: flush, into: &output, outputBytesMax: outputBytesMax)
        if let position = try position(after: code) { return position }
      }
    }
  }

  /// - Returns: nil while there is more to inflate.
  private func position(after code: Int32) throws(InflateError) -> Position? {
    let isDrained = stream.pointee.avail_in == 0 && stream.pointee.avail_out > 0
    switch code {
    case Z_OK where !isDrained:
      return nil
    case Z_OK, Z_BUF_ERROR:
      return stream.pointee.data_type & 128 == 0 ? .insideBlock : .betweenBlocks
    case Z_STREAM_END:
      passFinalBlock()
      return isDrained ? .betweenBlocks : nil
    case Z_DATA_ERROR, Z_NEED_DICT:
      throw .invalidData
    default:
      preconditionFailure("inflate returned \(code)")
    }
  }

  /// A block marked as final ends a deflate stream but neither the message nor the context (RFC 7692 §7.2.3.4).
  /// `inflateReset` would drop the window; saving and restoring that costs 64 KiB of copying for two bytes of input.
  private func passFinalBlock() {
    let code = inflateResetKeep(stream)
    precondition(code == Z_OK, "inflateResetKeep returned \(code)")
  }

  private func inflateOnce(
    flush: Int32, into output: inout ByteBuffer, outputBytesMax: Int
  ) throws(InflateError) -> Int32 {
    let room = outputBytesMax - output.readableBytes
    guard room > 0 else { return try inflateWithoutRoom(flush: flush) }
    var code = Z_OK
    let expected = max(256, 2 * Int(stream.pointee.avail_in))
    output.writeWithUnsafeMutableBytes(minimumWritableBytes: min(room, expected)) { destination in
      let destination = UnsafeMutableRawBufferPointer(rebasing: destination.prefix(room))
      code = inflate(flush: flush, into: destination)
      return destination.count - Int(stream.pointee.avail_out)
    }
    return code
  }

  /// The output is full: the remaining input may end the message, but must not produce another byte.
  private func inflateWithoutRoom(flush: Int32) throws(InflateError) -> Int32 {
    var excess: UInt8 = 0
    let code = withUnsafeMutableBytes(of: &excess) { inflate(flush: flush, into: $0) }
    guard stream.pointee.avail_out > 0 else { throw .outputTooLarge }
    return code
  }

  private func inflate(flush: Int32, into destination: UnsafeMutableRawBufferPointer) -> Int32 {
    stream.pointee.next_out = destination.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(clamping: destination.count)
    defer { stream.pointee.next_out = nil }
    return CZlib.inflate(stream, flush)
  }
}
