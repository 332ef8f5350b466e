import CasebusProtocol

/// What a session may ask and publish, and for which workspace.
extension Session {
  /// What is wrong with a message on this connection (Protocol §2.3, §10); nil if nothing is.
  func fault(in content: ClientMessage.Content, naming workspace: WorkspaceID?) -> Failure? {
    switch content {
    case .subscribe, .unsubscribe, .acknowledge: nil
    case .publish: fault(naming: workspace) ?? (requestScope(naming: workspace) == .monitor ? .publishedNowhere : nil)
    case .request(let request): fault(in: request, naming: workspace)
    }
  }

  private func fault(in request: Request, naming workspace: WorkspaceID?) -> Failure? {
    if request.row != nil, let failure = fault(naming: workspace) { return failure }
    do throws(Failure) {
      try request.check(on: requestScope(naming: workspace))
      return nil
    } catch {
      return error
    }
  }

  /// The connection of a workspace is for no other one.
  private func fault(naming named: WorkspaceID?) -> Failure? {
    guard let named, case .workspace(let own) = scope, named != own else { return nil }
    return Failure(
      .invalidParameters,
      "workspaceId is \"\(named)\", expected none or \"\(own)\" on this connection; "
        + "for another workspace connect with ?workspace=\(named)")
  }

  private func requestScope(naming workspace: WorkspaceID?) -> RequestScope {
    switch scope {
    case .workspace: .workspace
    case .all: workspace == nil ? .monitor : .monitorWithWorkspace
    }
  }

  /// Answers a request on the connection of a monitor that names no workspace.
  static func monitorOutcome(of request: Request, caller: Caller) -> Outcome {
    switch RequestBehavior.of(request) {
    case .control(let task): Outcome(caller: caller, answer: .consumer(task(request), nil))
    case .inquiry(let write):
      Outcome(caller: caller, answer: .frame(.response(to: caller, at: nil) { write(.monitor, request, &$0) }))
    case .read, .command, .broadcast, .provider:
      preconditionFailure("\(request.name) needs a workspace, which its signature does not say")
    }
  }
}

extension ClientMessage.Content {
  /// Whether it is about durable consumers: then later messages of its session wait until it is answered (Protocol §4.4).
  var isControl: Bool {
    switch self {
    case .subscribe(let options): options.durable != nil
    case .request(let request): RequestBehavior.of(request).isControl
    case .unsubscribe, .publish, .acknowledge: false
    }
  }
}

extension Failure {
  fileprivate static var publishedNowhere: Failure { .workspaceRequired(by: "a publish") }
}
