/// An address of a broker that stands on the command line by itself.
enum WrittenAddress {
  /// Said with the complaint about the command line; nil if there is no such address.
  static var hint: String? {
    let arguments = CommandLine.arguments
    let place = arguments.indices.dropFirst().first { isAddress(arguments[$0]) && arguments[$0 - 1] != "--url" }
    return place.map { "\nThe address of the broker is an option: --url \(arguments[$0])" }
  }

  static func isAddress(_ text: String) -> Bool {
    text.hasPrefix("ws://") || text.hasPrefix("wss://")
  }
}
