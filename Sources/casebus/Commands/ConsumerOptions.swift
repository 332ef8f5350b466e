import ArgumentParser
import CasebusBroker

/// How a broker deals with durable consumers; the defaults are those of `Protocol/registry/limits.json`.
struct ConsumerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("How long a durable consumer may take to acknowledge an event, seconds.", valueName: "seconds"))
  var ackTimeout = 30

  @Option(help: ArgumentHelp("How many events of a workspace it may have at one time.", valueName: "count"))
  var maxUnacknowledged = 256

  @Option(
    help: ArgumentHelp(
      "How many events one of all workspaces may have at one time, from each event loop.", valueName: "count"))
  var spanningUnacknowledgedMax = 1_024

  @Option(help: ArgumentHelp("How often it is given an event before that is parked.", valueName: "count"))
  var maxDeliveries = 5

  @Option(
    help: ArgumentHelp(
      "How many parked events one consumer.redeliver brings back, the oldest first.", valueName: "count"))
  var redeliveredEventsMax = 1_000

  @Option(help: ArgumentHelp("How many durable consumers there may be.", valueName: "count"))
  var consumersMax = 1_000

  func validate() throws {
    try ServerOptions.checkPositive("--ack-timeout", Int64(ackTimeout))
    try ServerOptions.checkPositive("--max-unacknowledged", Int64(maxUnacknowledged))
    try ServerOptions.checkPositive("--spanning-unacknowledged-max", Int64(spanningUnacknowledgedMax))
    try ServerOptions.checkPositive("--max-deliveries", Int64(maxDeliveries))
    try ServerOptions.checkPositive("--redelivered-events-max", Int64(redeliveredEventsMax))
    try ServerOptions.checkPositive("--consumers-max", Int64(consumersMax))
  }

  func set(in broker: inout BrokerConfiguration) {
    broker.ackTimeoutSeconds = ackTimeout
    broker.maxUnacknowledged = maxUnacknowledged
    broker.spanningUnacknowledgedMax = spanningUnacknowledgedMax
    broker.maxDeliveries = maxDeliveries
    broker.redeliveredEventsMax = redeliveredEventsMax
    broker.consumersMax = consumersMax
  }
}
