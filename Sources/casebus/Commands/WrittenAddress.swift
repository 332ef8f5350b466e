/// A broker's address on the command line without its option.
enum WrittenAddress {
  /// A hint for the error about the command line; nil if there is no such address.
  static var hint: String? {
    let arguments = CommandLine.arguments
    let place = arguments.indices.dropFirst().first { isAddress(arguments[$0]) && arguments[$0 - 1] != "--url" }
    return place.map { "\nThe address of the broker is an option: --url \(arguments[$0])" }
  }

  static func isAddress(_ text: String) -> Bool {
    text.hasPrefix("ws://") || text.hasPrefix("wss://")
  }
}
