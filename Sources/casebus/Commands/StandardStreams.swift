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

/// Prints a line to standard error.
func printError(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// What the system calls an error, such as "Address already in use".
func systemText(ofError code: CInt) -> String {
  String(cString: strerror(code))
}
