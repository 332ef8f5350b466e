#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why standard output does not take what is written to it.
package enum OutputFailure: Error, Hashable, CustomStringConvertible {
  /// Whoever read it is gone, as `head -1` is after its line.
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

  /// With which status the command ends (Docs/operating/commands.md).
  package var exitStatus: CInt {
    switch self {
    // What a shell shows for a process that SIGPIPE ends, as it ends other commands.
    case .readerGone: 128 + SIGPIPE
    // sysexits.h
    case .notWritten: EX_IOERR
    }
  }

  /// Ends the process, quietly if it is only that nobody wants to read more.
  package func endProcess() -> Never {
    if case .notWritten = self { printError("Error: \(self)") }
    // Nothing of this process is kept in buffers.
    _exit(exitStatus)
  }
}
