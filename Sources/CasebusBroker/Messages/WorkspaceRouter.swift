import CasebusProtocol

/// The way from the sessions of one loop to the hosts of workspaces. It alone knows which loop has which host.
///
/// Messages for other loops are gathered until the end of the loop's turn and reach each loop in one call, in order: a
/// call for each message would cost as much as deciding it (Docs/internals/threading.md).
struct WorkspaceRouter {
  struct Letter: Sendable {
    let workspace: WorkspaceID
    let message: HostMessage
  }

  private let loops: LoopDirectory
  private let own: Int
  private var outgoing: [[Letter]]
  /// The loops that letters are gathered for.
  private var waiting: [Int] = []

  /// - Parameter own: the index of the loop that this is the router of.
  init(_ loops: LoopDirectory, own: Int) {
    self.loops = loops
    self.own = own
    outgoing = Array(repeating: [], count: loops.ports.count)
  }

  /// Whether a workspace belongs to this loop.
  func isOwn(_ workspace: WorkspaceID) -> Bool { loops.host(of: workspace).index == own }

  /// Gathers a message.
  /// - Returns: false if the workspace is one of this loop: then the message is to be given to it at once.
  mutating func gather(_ message: HostMessage, for workspace: WorkspaceID) -> Bool {
    let loop = loops.host(of: workspace).index
    guard loop != own else { return false }
    if outgoing[loop].isEmpty { waiting.append(loop) }
    outgoing[loop].append(Letter(workspace: workspace, message: message))
    return true
  }

  /// Whether letters are gathered.
  var hasLetters: Bool { !waiting.isEmpty }

  /// What was gathered for each loop, which then is gone.
  mutating func take() -> [(loop: LoopPort, letters: [Letter])] {
    defer { waiting = [] }
    return waiting.map { (loops.ports[$0], takeLetters(for: $0)) }
  }

  private mutating func takeLetters(for loop: Int) -> [Letter] {
    defer { outgoing[loop] = [] }
    return outgoing[loop]
  }
}

extension BrokerLoop {
  /// Sends a message to the host of a workspace: at once if that is on this loop.
  func send(_ message: HostMessage, to workspace: WorkspaceID) {
    if router.gather(message, for: workspace) { scheduleTick() } else { receive(message, for: workspace) }
  }

  /// Passes on what was gathered for other loops.
  func sendLetters() {
    guard router.hasLetters else { return }
    for (loop, letters) in router.take() {
      loop.execute { loop in
        for letter in letters { loop.receive(letter.message, for: letter.workspace) }
      }
    }
  }

  /// Runs something on the loop that hosts a workspace, behind every message that was sent there: at once if that is this
  /// loop.
  func onLoop(of workspace: WorkspaceID, _ body: @escaping @Sendable (BrokerLoop) -> Void) {
    guard !router.isOwn(workspace) else { return body(self) }
    sendLetters()
    environment.loops.host(of: workspace).execute(body)
  }

  private func receive(_ message: HostMessage, for workspace: WorkspaceID) {
    switch message {
    case .attach(let session, let principal): host(session, principal, in: workspace)
    case .saidByMonitor(let content, let caller): receive(content, fromMonitor: caller, in: workspace)
    case .said, .replayRead, .replayGivenUp, .consumerJoined, .consumerLeft, .detach:
      hosts[workspace]?.receive(message)
    }
  }
}
