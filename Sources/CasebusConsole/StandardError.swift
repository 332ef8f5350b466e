#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Prints a line to standard error. A failure is ignored, because it cannot be reported.
package func printError(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// The system's text for an error, such as "Address already in use".
package func systemText(ofError code: CInt) -> String {
  String(cString: strerror(code))
}
