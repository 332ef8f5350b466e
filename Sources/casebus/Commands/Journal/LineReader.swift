import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads lines, however long they are.
final class LineReader {
  private let name: String
  private let file: CInt
  private var buffer = ByteBuffer()
  /// Up to here there is no end of a line in the buffer.
  private var searched = 0
  private var isAtEnd = false
  private static var bytesPerRead: Int { 1 << 18 }

  /// - Parameter path: `-` for standard input.
  /// - Throws: ``CommandFailure`` if it cannot be opened.
  init(_ path: String) throws {
    name = path
    file = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw CommandFailure("\(path) cannot be read: \(systemText(ofError: errno))") }
  }

  deinit {
    if file != STDIN_FILENO { close(file) }
  }

  /// The next line without its end; nil after the last one.
  func next() throws -> ByteBuffer? {
    while true {
      let unsearched = buffer.readableBytesView.dropFirst(searched)
      if let end = unsearched.firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffer.readSlice(length: end - buffer.readableBytesView.startIndex)
        buffer.moveReaderIndex(forwardBy: 1)
        searched = 0
        return line
      }
      searched = buffer.readableBytes
      guard !isAtEnd else { return buffer.readableBytes > 0 ? buffer.readSlice(length: buffer.readableBytes) : nil }
      try readMore()
    }
  }

  private func readMore() throws {
    buffer.discardReadBytes()
    let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bytesPerRead) { bytes in
      let count = read(file, bytes.baseAddress, bytes.count)
      guard count >= 0 else { throw CommandFailure("\(name) cannot be read: \(systemText(ofError: errno))") }
      return count
    }
    isAtEnd = count == 0
  }
}
