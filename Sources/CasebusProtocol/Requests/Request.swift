/// A request of a client (Protocol §10). Its name is looked up when it is created; ``check(on:)`` checks its parameters.
public struct Request: Hashable, Sendable {
  /// The name as the client spells it; can be an alias or unknown.
  public let name: Identifier
  /// The positional parameters.
  public let parameters: [JSONValue]
  /// nil if there is no such request.
  package let row: RequestRow?

  /// - Parameters:
  ///   - name: the name or an alias.
  ///   - parameters: in their order; any number and type.
  public init(_ name: String, _ parameters: [JSONValue] = []) {
    self.name = Identifier(name)
    self.parameters = parameters
    row = RequestTable.rows[self.name]
  }

  /// What the request takes; nil if there is no such request.
  public var signature: RequestSignature? { row.map { RequestTable.signatures[$0.index] } }
}

// MARK: - Checking

extension Request {
  /// Checks the name, the connection and the parameters, in this order.
  /// - Throws: ``Failure`` with `unknown_request`, with `workspace_required`, or with `invalid_parameters` that names the
  ///   parameter.
  public func check(on scope: RequestScope) throws(Failure) {
    guard let signature else { throw .unknownRequest(name.text) }
    guard signature.scopes.contains(scope) else { throw .notOffered(name.text, on: scope) }
    try checkCount(signature.parameters)
    for (index, value) in parameters.enumerated() {
      guard let problem = signature.parameters[index].kind.problem(with: value) else { continue }
      throw Failure(
        .invalidParameters, "\(name): parameter \(index + 1) (\(signature.parameters[index].name))\(problem)")
    }
  }

  private func checkCount(_ expected: [RequestParameter]) throws(Failure) {
    let fewest = expected.count { !$0.isOptional }
    guard !(fewest...expected.count).contains(parameters.count) else { return }
    let names = expected.map { $0.isOptional ? "\($0.name) (optional)" : $0.name }.joined(separator: ", ")
    throw Failure(
      .invalidParameters,
      "\(name) got \(parameters.count) parameters, expected \(names.isEmpty ? "none" : names)")
  }
}

extension RequestParameter.Kind {
  /// What is wrong with a value, as the end of a sentence; nil if nothing is.
  fileprivate func problem(with value: JSONValue) -> String? {
    switch self {
    case .value: return nil
    case .identifier, .string:
      return value.stringValue == nil ? unexpected(value, "a string") : nil
    case .object:
      return value.objectValue == nil ? unexpected(value, "an object") : nil
    case .channel:
      guard let text = value.stringValue else { return unexpected(value, "a string") }
      return EventName(channel: text) == nil
        ? unexpected(value, "a channel name of 1 to 128 bytes without control characters") : nil
    case .consumerName:
      guard let text = value.stringValue else { return unexpected(value, "a string") }
      return ConsumerName(text) == nil
        ? unexpected(value, "the name of a durable consumer, 1 to 64 of A-Z a-z 0-9 . _ -") : nil
    case .parkedChoice:
      guard let object = value.objectValue else { return unexpected(value, "an object") }
      do throws(Failure) {
        _ = try ParkedChoice(object)
        return nil
      } catch {
        return ": \(error.message)"
      }
    }
  }

  private func unexpected(_ value: JSONValue, _ expected: String) -> String {
    " is \(value.kind), expected \(expected)"
  }
}

// MARK: - Parameters

/// The parameters of a request that passed ``check(on:)``. Reading one as another kind than its signature's is a
/// programming error.
extension Request {
  package func string(_ index: Int) -> String { checked(index, parameters[index].stringValue) }

  package func identifier(_ index: Int) -> Identifier { Identifier(string(index)) }

  package func object(_ index: Int) -> JSONObject { checked(index, parameters[index].objectValue) }

  package func value(_ index: Int) -> JSONValue { parameters[index] }

  package func channel(_ index: Int) -> EventName { checked(index, EventName(channel: string(index))) }

  package func consumerName(_ index: Int) -> ConsumerName { checked(index, ConsumerName(string(index))) }

  package func parkedChoice(_ index: Int) -> ParkedChoice { checked(index, try? ParkedChoice(object(index))) }

  private func checked<Value>(_ index: Int, _ value: Value?) -> Value {
    guard let value else { preconditionFailure("\(name): parameter \(index + 1) was used and not checked") }
    return value
  }
}

// MARK: - Failures

extension Failure {
  /// No request has this name; the message suggests the nearest known name.
  public static func unknownRequest(_ name: String) -> Failure {
    let suggestion = RequestTable.nearestName(to: name).map { ", did you mean \"\($0)\"?" } ?? ""
    return Failure(.unknownRequest, "Casebus does not offer the request \"\(name)\"\(suggestion)")
  }

  /// A monitor's request or publish names no workspace.
  /// - Parameter what: the beginning of the sentence.
  package static func workspaceRequired(by what: String) -> Failure {
    Failure(
      .workspaceRequired,
      "\(what) needs a workspace and this connection is for all of them: name one in the message, such as "
        + "\"workspaceId\":\"agent-7\", or connect with ?workspace=<id>")
  }

  fileprivate static func notOffered(_ name: String, on scope: RequestScope) -> Failure {
    switch scope {
    case .monitor: workspaceRequired(by: name)
    case .monitorWithWorkspace: Failure(.invalidParameters, "workspaceId is present, \(name) expects none")
    case .workspace: Failure(.invalidParameters, "\(name) is for connections of all workspaces, ?workspace=*")
    }
  }
}
