#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why a write to standard output failed.
package enum OutputFailure: Error, Hashable, CustomStringConvertible {
  /// The reader has gone, like `head -1` after its line.
  case readerGone
  case notWritten(errnoCode: CInt)

  package init(errnoCode: CInt) {
    self = errnoCode == EPIPE ? .readerGone : .notWritten(errnoCode: errnoCode)
  }

  package var description: String {
    switch self {
    case .readerGone: "nobody reads standard output any more"
    case .notWritten(let code): "standard output cannot be written: \(systemText(ofError: code))"
    }
  }

  /// The exit status of the command (Docs/operating/commands.md).
  package var exitStatus: CInt {
    switch self {
    // The status that a shell shows for a process that SIGPIPE ended.
    case .readerGone: 128 + SIGPIPE
    // sysexits.h
    case .notWritten: EX_IOERR
    }
  }

  /// Ends the process, without a message if the reader has gone.
  package func endProcess() -> Never {
    if case .notWritten = self { printError("Error: \(self)") }
    // This process has no buffered output.
    _exit(exitStatus)
  }
}
