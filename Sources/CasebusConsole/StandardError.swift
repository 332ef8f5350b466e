#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Prints a line to standard error. Where that fails there is nobody left to tell.
package func printError(_ line: String) {
  var text = line + "\n"
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

/// What the system calls an error, such as "Address already in use".
package func systemText(ofError code: CInt) -> String {
  String(cString: strerror(code))
}
