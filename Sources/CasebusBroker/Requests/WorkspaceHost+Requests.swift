import CasebusProtocol
import CasebusWorkspace

extension WorkspaceHost {
  /// Answers a request that its session has checked.
  func answer(_ request: Request, to asker: Outcome.Asker) throws(Failure) {
    switch RequestBehavior.of(request) {
    case .read(let write): try finish(asker) { write(current, request, &$0) }
    case .command(let command): try execute(command(request), from: asker)
    case .broadcast(let content):
      let (channel, message) = content(request)
      broadcast(message, as: channel, from: asker, answer: .frame(.response(to: asker, at: position)))
    case .control(let task): finish(task(request), for: asker)
    case .inquiry(let write):
      let scope: RequestScope = asker.isMonitor ? .monitorWithWorkspace : .workspace
      try finish(asker) { write(scope, request, &$0) }
    case .provider: throw .unknownRequest(request.name.text)
    }
  }
}
