/// The requests about the connection itself (Protocol §10.10).
enum SystemRequests {
  static let signatures = [RequestSignature("system.getAllowedServices", on: .everywhere, .read)]
}
