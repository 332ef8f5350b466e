/// The requests that send messages between sessions (Protocol §10.9).
enum MessengerRequests {
  static let signatures = [
    RequestSignature(
      "messenger.broadcastMessage", [RequestParameter("channel", .channel), RequestParameter("message", .value)],
      on: .oneWorkspace, .publish)
  ]
}
