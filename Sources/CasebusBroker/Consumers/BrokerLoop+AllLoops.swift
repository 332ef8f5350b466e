import CasebusJournal

/// Reaching all loops of the broker from one of them.
extension BrokerLoop {
  /// Runs something on every loop, on this one at once.
  func onAllLoops(_ body: @escaping @Sendable (BrokerLoop) -> Void) {
    sendLetters()
    for loop in loops {
      if loop.index == port.index { body(self) } else { loop.execute(body) }
    }
  }

  /// Runs something on one loop after the other, and then something on the last one.
  func visitLoops(_ body: @escaping @Sendable (BrokerLoop) -> Void, then: @escaping @Sendable () -> Void) {
    gather((), { loop, _ in body(loop) }, then: { _ in then() })
  }

  /// Has one loop after the other add what it knows to a value.
  func gather<Value: Sendable>(
    _ value: Value, _ body: @escaping @Sendable (BrokerLoop, inout Value) -> Void,
    then: @escaping @Sendable (Value) -> Void
  ) {
    gather(from: loops[...], value, body, then: then)
  }

  private func gather<Value: Sendable>(
    from rest: ArraySlice<LoopPort>, _ value: Value, _ body: @escaping @Sendable (BrokerLoop, inout Value) -> Void,
    then: @escaping @Sendable (Value) -> Void
  ) {
    guard let first = rest.first else { return then(value) }
    first.execute { loop in
      var value = value
      body(loop, &value)
      loop.gather(from: rest.dropFirst(), value, body, then: then)
    }
  }

  /// Does something with the host of a consumer's workspace, if this loop has it; for one of all workspaces, with each
  /// host of this loop.
  func forEachHost(of key: JournalConsumer.Key, _ body: (WorkspaceHost) -> Void) {
    guard let workspace = key.workspace else { return hosts.values.forEach(body) }
    if let host = hosts[workspace] { body(host) }
  }
}
