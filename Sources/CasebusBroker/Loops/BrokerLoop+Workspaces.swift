import CasebusAccess
import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging

/// The workspaces that this loop hosts.
extension BrokerLoop {
  var now: Timestamp { environment.now() }
  var hasMonitors: Bool { environment.monitors.count > 0 }

  /// Gives an outcome to the next commit.
  /// - Parameter addContent: adds what was decided with it.
  func commit(
    _ outcome: consuming Outcome, of host: WorkspaceHost,
    addContent: (inout WorkspaceCommit, inout Outcome) -> Void = { _, _ in }
  ) {
    var outcome = outcome
    commits.update(host) { commit in
      addContent(&commit, &outcome)
      outcome.weight += outcome.answerBytes
      if let caller = outcome.caller {
        outcome.charge = window.decided(outcome.weight, for: caller.session)
        outcome.chargingLoop = port.index
        if let cause = host.cause { commit.append(cause, messageBytes: caller.messageBytes) }
      }
      commit.append(outcome)
    }
    scheduleTick()
  }

  /// The host has no sessions left and nothing to remember.
  func remove(_ host: WorkspaceHost) {
    guard hosts[host.id] === host else { return }
    host.storeConsumers()
    host.forgetMonitors(Array(host.monitors.keys))
    hosts[host.id] = nil
    environment.workspaces.remove()
    environment.journal.close(host.id)
  }

  /// Whose markdone blocks a session makes while it is part of no durable consumer (Protocol §8.2).
  func ownBlocker(of session: SessionKey, _ principal: Principal) -> Blocker {
    principal.blocker(session: environment.id(of: session))
  }

  /// Attaches a session to its workspace's host; if there are too many of those to make one, the session is closed.
  func host(_ session: SessionKey, _ principal: Principal, in workspace: WorkspaceID) {
    if let host = hosts[workspace] {
      host.attach(session, principal)
    } else if let host = makeHost(workspace) {
      host.attach(session, principal)
      host.load()
    } else {
      refuse(session)
    }
  }

  private func makeHost(_ workspace: WorkspaceID) -> WorkspaceHost? {
    guard environment.workspaces.add(limit: configuration.workspacesMax) else { return nil }
    let host = WorkspaceHost(id: workspace, loop: self, loopCount: loops.count)
    hosts[workspace] = host
    return host
  }

  /// Brings a workspace into memory that nobody is connected to, because something is due in it.
  func wake(_ workspace: WorkspaceID) {
    onLoop(of: workspace) { loop in
      if loop.hosts[workspace] == nil { loop.makeHost(workspace)?.load() }
    }
  }

  /// Does something with the host of a workspace of this loop, which comes into memory for it.
  /// - Returns: whether there was room for the workspace.
  func wake(_ workspace: WorkspaceID, for body: @escaping (WorkspaceHost) -> Void) -> Bool {
    if let host = hosts[workspace] {
      host.whenLoaded(body)
      return true
    }
    guard let host = makeHost(workspace) else { return false }
    host.whenLoaded(body)
    host.load()
    return true
  }

  func loadFailed(_ host: WorkspaceHost, _ error: JournalError) {
    environment.logger.error(
      "a workspace cannot be read from the journal", metadata: ["workspace": "\(host.id)", "error": "\(error)"])
    wakeLater(host.id)
  }

  private func refuse(_ session: SessionKey) {
    let limit = configuration.workspacesMax
    close(session, .overloaded, reason: "\(limit) workspaces are open (workspacesMax)")
  }
}
