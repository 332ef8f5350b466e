import CasebusProtocol

/// The way from the workspaces of one loop to the inboxes of all loops: one call for each loop.
struct SessionRouter {
  private let environment: BrokerEnvironment
  private let own: Int

  /// - Parameter own: the index of the loop that this is the router of.
  init(_ environment: BrokerEnvironment, own: Int) {
    self.environment = environment
    self.own = own
  }

  private var loops: [LoopPort] { environment.loops.ports }

  /// Puts messages into the inbox of a loop.
  func send(_ messages: [SessionMessage], to index: Int) {
    let loop = loops[index]
    loop.inboxBytes.add(messages.reduce(0) { $0 + $1.bytes })
    if index == own {
      loop.loop.receive(messages)
    } else {
      loop.execute { $0.receive(messages) }
    }
  }

  /// Sends what became durable to the loops that have callers or interested sessions.
  func release(_ releases: consuming [(host: WorkspaceHost, release: WorkspaceRelease)]) {
    var messages = [[SessionMessage]](repeating: [], count: loops.count)
    let (forMonitors, withPositions) = (environment.monitors.count > 0, environment.positioned.count > 0)
    for index in releases.indices {
      let host = releases[index].host
      releases[index].release.addFrames(forMonitors: forMonitors, withPositions: withPositions)
      let release = releases[index].release
      for loop in messages.indices {
        let isInterested = !release.events.isEmpty && (forMonitors || host.hasSessions(on: loop))
        if isInterested || release.hasCaller(on: loop) { messages[loop].append(.release(release)) }
      }
    }
    for (loop, messages) in messages.enumerated() where !messages.isEmpty { send(messages, to: loop) }
  }

  /// Whether the inbox of a loop is so full that nothing may be decided that would add to it (`undeliveredBytesMax`).
  var isCongested: Bool {
    let limit = environment.configuration.undeliveredBytesMax
    return loops.contains { $0.inboxBytes.count >= limit }
  }
}
