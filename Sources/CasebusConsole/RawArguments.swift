/// The arguments of the process as bytes: `CommandLine.arguments` replaces invalid UTF-8 by U+FFFD, so a command would
/// send another text than was typed.
enum RawArguments {
  /// The fault of the first argument that is not UTF-8; nil if all are valid.
  static var complaint: String? {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[index] else { continue }
      let bytes = UnsafeRawBufferPointer(start: argument, count: argument.length)
      if let offset = UTF8Check.firstInvalidOffset(in: bytes) {
        return "argument \(index), byte \(offset + 1) is \(bytes[offset].hexText), which is not UTF-8"
      }
    }
    return nil
  }
}

extension UnsafeMutablePointer<CChar> {
  fileprivate var length: Int {
    var length = 0
    while self[length] != 0 { length += 1 }
    return length
  }
}
