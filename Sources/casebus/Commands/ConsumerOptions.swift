import ArgumentParser
import CasebusBroker
import CasebusConsole

/// How a broker deals with durable consumers; the defaults are those of `Protocol/registry/limits.json`.
struct ConsumerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How long a durable consumer may take to acknowledge an event, 1 to 86400 seconds.", valueName: "seconds"))
  var ackTimeout = 30

  @Option(
    help: ArgumentHelp("How many unacknowledged events of a workspace it may have, 1 to 10000000.", valueName: "count"))
  var maxUnacknowledged = 256

  @Option(
    help: ArgumentHelp(
      "How many unacknowledged events a consumer of all workspaces may have from each event loop, 1 to 10000000.",
      valueName: "count"))
  var spanningUnacknowledgedMax = 1_024

  @Option(
    help: ArgumentHelp("Failed deliveries before an event is parked, 1 to 10000000.", valueName: "count"))
  var maxDeliveries = 5

  @Option(
    help: ArgumentHelp(
      "How many parked events one consumer.redeliver delivers again, the oldest first, 1 to 10000000.",
      valueName: "count"))
  var redeliveredEventsMax = 1_000

  @Option(help: ArgumentHelp("How many durable consumers there may be, 1 to 10000000.", valueName: "count"))
  var consumersMax = 1_000

  func validate() throws {
    try checkRange("--ack-timeout", ackTimeout, .timerSeconds)
    try checkRange("--max-unacknowledged", maxUnacknowledged, .count)
    try checkRange("--spanning-unacknowledged-max", spanningUnacknowledgedMax, .count)
    try checkRange("--max-deliveries", maxDeliveries, .count)
    try checkRange("--redelivered-events-max", redeliveredEventsMax, .count)
    try checkRange("--consumers-max", consumersMax, .count)
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
