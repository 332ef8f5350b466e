import CasebusProtocol

/// The workspaces of one event loop that are in memory.
final class HostTable {
  private let environment: BrokerEnvironment
  private var hosts: [WorkspaceID: WorkspaceHost] = [:]

  init(_ environment: BrokerEnvironment) {
    self.environment = environment
  }

  subscript(workspace: WorkspaceID) -> WorkspaceHost? { hosts[workspace] }

  var values: some Collection<WorkspaceHost> { hosts.values }

  /// Brings a workspace into memory, if it is not there.
  /// - Parameter beforeLoading: is done with its host before that is read from the journal.
  /// - Returns: false if the workspace is not there and `workspacesMax` are open.
  func bring(_ workspace: WorkspaceID, to loop: BrokerLoop, beforeLoading: (WorkspaceHost) -> Void = { _ in }) -> Bool {
    if let host = hosts[workspace] {
      beforeLoading(host)
      return true
    }
    guard environment.workspaces.add(limit: environment.configuration.workspacesMax) else { return false }
    let host = WorkspaceHost(id: workspace, loop: loop, loopCount: environment.loops.ports.count)
    hosts[workspace] = host
    beforeLoading(host)
    host.load()
    return true
  }

  /// Removes a host that nobody needs.
  func remove(_ host: WorkspaceHost) {
    precondition(hosts[host.id] === host, "a host was removed that is not in the table")
    hosts[host.id] = nil
    environment.workspaces.remove()
  }
}

@available(*, unavailable)
extension HostTable: Sendable {}
