import ArgumentParser

/// How a broker deals with durable consumers.
struct ConsumerOptions: ParsableArguments {
  @Option(help: .key("limits.ack-timeout-seconds")) var ackTimeout: String?
  @Option(help: .key("limits.max-unacknowledged")) var maxUnacknowledged: String?
  @Option(help: .key("limits.spanning-unacknowledged-max")) var spanningUnacknowledgedMax: String?
  @Option(help: .key("limits.max-deliveries")) var maxDeliveries: String?
  @Option(help: .key("limits.redelivered-events-max")) var redeliveredEventsMax: String?
  @Option(help: .key("limits.consumers-max")) var consumersMax: String?
}
