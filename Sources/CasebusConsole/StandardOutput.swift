package import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Prints a line at once, also into a pipe, so that its reader sees it without delay.
/// - Throws: ``OutputFailure``; then the line is not written, or only in part.
package func printLine(_ line: String) throws(OutputFailure) {
  try writeOutput(ByteBuffer(string: line + "\n"))
}

/// Writes bytes to standard output. When it returns, the system has them.
/// - Throws: ``OutputFailure``; then they are not written, or only in part.
package func writeOutput(_ bytes: ByteBuffer) throws(OutputFailure) {
  var rest = bytes
  while rest.readableBytes > 0 {
    let count = rest.withUnsafeReadableBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count > 0 { rest.moveReaderIndex(forwardBy: count) } else { try StandardOutput.recover(from: errno) }
  }
}

package enum StandardOutput {
  /// To be called before anything else. Then a pipe without a reader is an error like any other, and a missing standard
  /// stream (`>&-`) is replaced, so that no journal or socket gets its number and receives lines of text.
  package static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    // Reading from the first, and writing to the second, then fails.
    for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(stream, F_GETFD) < 0 {
      _ = open("/dev/null", mode)
    }
  }

  /// Some file systems report only on close that they could not store a file.
  /// - Throws: ``OutputFailure``.
  static func close() throws(OutputFailure) {
    guard Glibc.close(STDOUT_FILENO) != 0, errno != EINTR else { return }
    throw OutputFailure(errnoCode: errno)
  }

  /// From now on the process ends when standard output has no reader any more, also without output: otherwise `casebus
  /// subscribe | head -1` would wait for its second event.
  package static func endProcessWithReader() {
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, { _ in StandardOutput.awaitEndOfReader() }, nil)
    // Without a thread the next write notices it.
    if code == 0 { pthread_detach(thread) }
  }

  /// poll(2) always reports errors: POLLERR of a pipe without a reader, POLLHUP of a socket or a terminal.
  private static func awaitEndOfReader() -> UnsafeMutableRawPointer? {
    var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
    while poll(&output, 1, -1) < 0, errno == EINTR {}
    guard Int32(output.revents) & (POLLERR | POLLHUP) != 0 else { return nil }
    OutputFailure.readerGone.endProcess()
  }

  /// Whether a write can be repeated: it was interrupted, or another process has made the terminal or the pipe
  /// non-blocking.
  fileprivate static func recover(from errnoCode: CInt) throws(OutputFailure) {
    switch errnoCode {
    case EINTR: break
    case EAGAIN:
      var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      _ = poll(&output, 1, -1)
    default: throw OutputFailure(errnoCode: errnoCode)
    }
  }
}
