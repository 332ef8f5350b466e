/// The endless work of one agent: one call at a time, and two chats or e-mails beside it.
///
/// The times in the scripts decide how their steps interleave; the player decides the speed.
struct AgentScenario {
  private var writer: ScriptWriter
  private var lanes = [Lane(kinds: Lane.calls), Lane(kinds: Lane.openMedia), Lane(kinds: Lane.openMedia)]

  init(seed: UInt64, agent: Int) {
    writer = ScriptWriter(seed: seed, agent: agent)
    for index in lanes.indices { lanes[index].begin(with: &writer) }
  }

  /// What happens next.
  mutating func nextStep() -> Step {
    let index = lanes.indices.min { lanes[$0].nextSeconds < lanes[$1].nextSeconds }!
    return lanes[index].takeStep(with: &writer)
  }
}

/// A sequence of pieces of work.
struct Lane {
  /// A kind that is named twice occurs twice as often.
  static let calls: [Script.Kind] = [.inboundCall, .inboundCall, .outboundCall, .previewCall, .consultationCall]
  static let openMedia: [Script.Kind] = [
    .chat, .chat, .transferredChat, .conferenceChat, .emailReply, .emailReply, .transferredEmail,
  ]

  let kinds: [Script.Kind]
  private var steps: ArraySlice<Step> = []
  /// When the next step is due, in seconds of the scenario.
  private(set) var nextSeconds = 0

  init(kinds: [Script.Kind]) {
    self.kinds = kinds
  }

  /// - Postcondition: there is a next step.
  mutating func begin(with writer: inout ScriptWriter) {
    steps = writer.write(writer.pick(kinds)).steps[...]
    nextSeconds += steps.first!.pauseSeconds
  }

  mutating func takeStep(with writer: inout ScriptWriter) -> Step {
    let step = steps.removeFirst()
    if let next = steps.first { nextSeconds += next.pauseSeconds } else { begin(with: &writer) }
    return step
  }
}
