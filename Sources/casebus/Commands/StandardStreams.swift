import struct NIOCore.ByteBuffer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Prints a line at once, even into a pipe, so that whoever reads it sees it when it happens.
func printLine(_ line: String) {
  print(line)
  fflush(nil)
}

/// Writes bytes to standard output.
func writeOutput(_ bytes: ByteBuffer) throws {
  try bytes.withUnsafeReadableBytes { bytes in
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      guard count > 0 else { throw CommandFailure("standard output: \(systemText(ofError: errno))") }
      rest = rest.dropFirst(count)
    }
  }
}

/// Prints a line to standard error.
func printError(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// What the system calls an error, such as "Address already in use".
func systemText(ofError code: CInt) -> String {
  String(cString: strerror(code))
}
