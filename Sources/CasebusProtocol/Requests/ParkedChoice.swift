/// Which parked events of a durable consumer are delivered again (Protocol §10.14).
public struct ParkedChoice: Hashable, Sendable {
  /// nil for all workspaces of the consumer.
  public var workspace: WorkspaceID?
  /// nil for all events.
  public var offset: UInt64?

  /// nil means all.
  public init(workspace: WorkspaceID? = nil, offset: UInt64? = nil) {
    self.workspace = workspace
    self.offset = offset
  }

  /// Reads the object of a request. An unknown member is refused: a typo would otherwise select all events.
  /// - Throws: ``Failure`` with `invalid_parameters` that names the member.
  init(_ object: JSONObject) throws(Failure) {
    for (name, value) in object {
      switch Identifier(name) {
      case "workspaceId": workspace = try Self.workspace(value)
      case "offset": offset = try StreamPosition.offset(in: value, of: "offset")
      case _:
        throw Failure(.invalidParameters, "it has the member \"\(name)\", expected workspaceId and offset at most")
      }
    }
  }

  private static func workspace(_ value: JSONValue) throws(Failure) -> WorkspaceID {
    guard let text = value.stringValue else {
      throw Failure(.invalidParameters, "workspaceId is \(value.kind), expected a string")
    }
    guard let workspace = WorkspaceID(text) else {
      throw Failure(.invalidParameters, "workspaceId is \"\(text)\", expected 1 to 64 of A-Z a-z 0-9 . _ -")
    }
    return workspace
  }

  /// The object of a request.
  public var json: JSONValue {
    var object: JSONObject = [:]
    if let workspace { object["workspaceId"] = .string(workspace.text) }
    if let offset { object["offset"] = .number(JSONNumber(offset)) }
    return .object(object)
  }
}
