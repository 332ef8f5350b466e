import ArgumentParser
import CasebusBroker
import CasebusConsole
import CasebusWorkspace

/// How large the state of a workspace may be; the defaults are those of `Protocol/registry/limits.json`.
struct StateOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How large one interaction may be, 1 to 536870912 bytes as JSON.", valueName: "bytes"))
  var interactionBytesMax = 98_304

  @Option(
    help: ArgumentHelp(
      "How large all interactions and blocks of a workspace may be together, 1 to 536870912 bytes as JSON.",
      valueName: "bytes"))
  var workspaceBytesMax = 3 << 20

  @Option(
    help: ArgumentHelp(
      "How long the data of one answer may be, 1 to 1073741824 bytes; more than --workspace-bytes-max.",
      valueName: "bytes"))
  var answerBytesMax = 4 << 20

  func validate() throws {
    try checkRange("--interaction-bytes-max", interactionBytesMax, .stateBytes)
    try checkRange("--workspace-bytes-max", workspaceBytesMax, .stateBytes)
    try checkRange("--answer-bytes-max", answerBytesMax, .messageBytes)
    var broker = BrokerConfiguration()
    set(in: &broker)
    if let fault = broker.fault { throw ValidationError(fault) }
  }

  func set(in broker: inout BrokerConfiguration) {
    broker.workspaceRules.interactionBytesMax = interactionBytesMax
    broker.workspaceRules.workspaceBytesMax = workspaceBytesMax
    broker.answerBytesMax = answerBytesMax
  }
}
