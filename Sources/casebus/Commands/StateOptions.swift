import ArgumentParser

/// How large the state of a workspace may be.
struct StateOptions: ParsableArguments {
  @Option(help: .key("limits.interaction-bytes-max")) var interactionBytesMax: String?
  @Option(help: .key("limits.workspace-bytes-max")) var workspaceBytesMax: String?
  @Option(help: .key("limits.answer-bytes-max")) var answerBytesMax: String?
}
