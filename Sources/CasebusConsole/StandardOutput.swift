package import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Prints a line at once, even into a pipe, so that whoever reads it sees it when it happens.
/// - Throws: ``OutputFailure``; then the line is not written, or not whole.
package func printLine(_ line: String) throws(OutputFailure) {
  try writeOutput(ByteBuffer(string: line + "\n"))
}

/// Writes bytes to standard output. When it returns, the system has them.
/// - Throws: ``OutputFailure``; then they are not written, or not all.
package func writeOutput(_ bytes: ByteBuffer) throws(OutputFailure) {
  var rest = bytes
  while rest.readableBytes > 0 {
    let count = rest.withUnsafeReadableBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count > 0 { rest.moveReaderIndex(forwardBy: count) } else { try StandardOutput.recover(from: errno) }
  }
}

package enum StandardOutput {
  /// To be called before anything else: a pipe whose reader is gone is an error then like every other, and nothing that is
  /// opened later gets the number of a standard stream that this process was started without (`>&-`). Lines of text
  /// would else be written into a journal or a socket.
  package static func prepare() {
    signal(SIGPIPE, SIG_IGN)
    // Reading from the first, and writing to the second, is an error then.
    for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(stream, F_GETFD) < 0 {
      _ = open("/dev/null", mode)
    }
  }

  /// Some file systems say only when a file is closed that they could not store it.
  /// - Throws: ``OutputFailure``.
  static func close() throws(OutputFailure) {
    guard Glibc.close(STDOUT_FILENO) != 0, errno != EINTR else { return }
    throw OutputFailure(errnoCode: errno)
  }

  /// From now on the process ends when nobody reads standard output any more, also while there is nothing to write:
  /// `casebus subscribe | head -1` would else wait for its second event.
  package static func endProcessWithReader() {
    var thread = pthread_t()
    let code = pthread_create(&thread, nil, { _ in StandardOutput.awaitEndOfReader() }, nil)
    // Without a thread it is noticed at the next write.
    if code == 0 { pthread_detach(thread) }
  }

  /// poll(2) tells of errors without being asked: POLLERR of a pipe without a reader, POLLHUP of a socket or a terminal.
  private static func awaitEndOfReader() -> UnsafeMutableRawPointer? {
    var output = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
    while poll(&output, 1, -1) < 0, errno == EINTR {}
    guard Int32(output.revents) & (POLLERR | POLLHUP) != 0 else { return nil }
    OutputFailure.readerGone.endProcess()
  }

  /// A write was interrupted, or somebody has made the terminal or the pipe non-blocking: it may be tried again.
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
