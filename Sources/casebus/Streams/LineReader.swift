import CasebusConsole
import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Reads lines. A byte order mark of UTF-8 at the beginning is skipped.
final class LineReader {
  private let name: String
  private let file: CInt
  private var buffer = ByteBuffer()
  /// The buffer has no line end before this index.
  private var searched = 0
  private var isAtEnd = false
  private var isAtStart = true
  private let lineBytesMax: Int
  /// The number of returned lines.
  private(set) var count = 0
  private static var bytesPerRead: Int { 1 << 18 }

  /// - Parameters:
  ///   - path: `-` for standard input.
  ///   - lineBytesMax: a longer line is an error.
  /// - Throws: ``CommandFailure`` if it cannot be opened.
  init(_ path: String, lineBytesMax: Int = .max) throws {
    name = path == "-" ? "standard input" : path
    self.lineBytesMax = lineBytesMax
    file = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw CommandFailure("\(path) cannot be read: \(systemText(ofError: errno))") }
  }

  deinit {
    if file != STDIN_FILENO { close(file) }
  }

  /// The next line without its end; nil after the last one.
  /// - Throws: ``CommandFailure`` if it cannot be read, is too long, or if the text is UTF-16 or UTF-32.
  func next() throws -> ByteBuffer? {
    if isAtStart { try readByteOrderMark() }
    guard let line = try nextLine() else { return nil }
    count += 1
    return line
  }

  private func nextLine() throws -> ByteBuffer? {
    while true {
      let unsearched = buffer.readableBytesView.dropFirst(searched)
      if let end = unsearched.firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffer.readSlice(length: end - buffer.readableBytesView.startIndex)
        buffer.moveReaderIndex(forwardBy: 1)
        searched = 0
        return line
      }
      searched = buffer.readableBytes
      guard searched <= lineBytesMax else {
        throw CommandFailure("\(name), line \(count + 1) is longer than \(lineBytesMax) bytes (clientMessageBytesMax)")
      }
      guard !isAtEnd else { return buffer.readableBytes > 0 ? buffer.readSlice(length: buffer.readableBytes) : nil }
      try readMore()
    }
  }

  private func readByteOrderMark() throws {
    isAtStart = false
    while buffer.readableBytes < ByteOrderMark.bytesMax, !isAtEnd { try readMore() }
    guard let mark = ByteOrderMark(atStartOf: buffer.readableBytesView) else { return }
    guard mark.encoding == "UTF-8" else {
      throw CommandFailure("\(name) is \(mark.encoding), expected UTF-8")
    }
    buffer.moveReaderIndex(forwardBy: mark.bytes.count)
  }

  private func readMore() throws {
    buffer.discardReadBytes()
    try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.bytesPerRead) { bytes in
      let count = read(file, bytes.baseAddress, bytes.count)
      guard count >= 0 || errno == EINTR else {
        throw CommandFailure("\(name) cannot be read: \(systemText(ofError: errno))")
      }
      isAtEnd = count == 0
      return max(0, count)
    }
  }
}
