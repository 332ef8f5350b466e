#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The time in the form of RFC 9110 §5.6.7, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
func httpDate() -> String {
  var now = time(nil)
  var fields = tm()
  gmtime_r(&now, &fields)
  return String(unsafeUninitializedCapacity: 30) { text in
    text.withMemoryRebound(to: CChar.self) { strftime($0.baseAddress!, $0.count, "%a, %d %b %Y %H:%M:%S GMT", &fields) }
  }
}
