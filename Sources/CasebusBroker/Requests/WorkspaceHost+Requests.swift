import CasebusProtocol
import CasebusWorkspace

extension WorkspaceHost {
  /// Answers a request that its session has checked.
  func answer(_ request: Request, to caller: Caller) throws(Failure) {
    switch RequestBehavior.of(request) {
    case .read(let write): try finish(caller) { write(current, request, &$0) }
    case .command(let command): try execute(command(request), from: caller)
    case .broadcast(let content):
      let (channel, message) = content(request)
      broadcast(PublishedData(message), as: channel, from: caller, answer: .done(at: currentOffset))
    case .control(let task): finish(task(request), for: caller)
    case .inquiry(let write):
      let scope: RequestScope = caller.isMonitor ? .monitorWithWorkspace : .workspace
      try finish(caller) { write(scope, request, &$0) }
    case .provider: throw .unknownRequest(request.name.text)
    }
  }
}
