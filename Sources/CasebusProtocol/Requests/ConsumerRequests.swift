/// The requests about durable consumers (Protocol §10.11 to §10.14).
enum ConsumerRequests {
  static let signatures = [
    RequestSignature("consumer.list", on: .everywhere, .read),
    RequestSignature("consumer.get", [name], on: .everywhere, .read),
    RequestSignature("consumer.delete", [name], on: .everywhere, .control),
    RequestSignature(
      "consumer.redeliver", [name, RequestParameter("which", .parkedChoice)], on: .everywhere, .control),
  ]

  private static var name: RequestParameter { RequestParameter("name", .consumerName) }
}
