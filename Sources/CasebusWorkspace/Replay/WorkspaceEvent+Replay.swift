package import CasebusProtocol
package import struct NIOCore.ByteBuffer

/// Why something that was kept cannot be read again.
package struct ReplayError: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String

  package init(_ description: String) {
    self.description = description
  }
}

extension JSONLimits {
  /// For what the broker wrote itself, around data that had passed the limits.
  static let replay = JSONLimits(depthMax: 256, keysMax: .max)
}

extension WorkspaceEvent {
  /// Reads an event as it was kept.
  /// - Parameters:
  ///   - name: the event name.
  ///   - data: what ``writeData(into:)`` wrote.
  ///   - detail: what ``writeDetail(into:)`` wrote.
  package init(replaying name: EventName, data: ByteBuffer, detail: ByteBuffer) throws(ReplayError) {
    let data = try JSONValue(replaying: data)
    let detail = detail.readableBytes == 0 ? .object([:]) : try JSONValue(replaying: detail)
    switch name {
    case .interaction: self = try Self.interactionEvent(data, detail)
    case .markdone: self = .markdone(try MarkdoneEvent(replaying: data, detail))
    case .agent, .media, .outbound, .system, .messenger: self = .relayed(name, data: data)
    }
  }

  private static func interactionEvent(_ data: JSONValue, _ detail: JSONValue) throws(ReplayError) -> WorkspaceEvent {
    guard let members = data["interaction"]?.objectValue else { return .caseChanged(try CaseChange(replaying: data)) }
    let interaction = try Interaction(replaying: members, detail)
    guard detail["isUserData"] == true else { return .interactionChanged(interaction) }
    return .userDataChanged(
      interaction, isFirst: data["eventType"] == .string(InteractionState.userDataAttached.rawValue))
  }
}

extension JSONValue {
  init(replaying buffer: ByteBuffer) throws(ReplayError) {
    do throws(JSONError) {
      try self.init(parsing: buffer, limits: .replay)
    } catch {
      throw ReplayError("not valid JSON: \(error)")
    }
  }

  /// A text member that must be there.
  func text(_ name: String) throws(ReplayError) -> String {
    guard let text = self[name]?.stringValue else { throw ReplayError("\(name) is no string") }
    return text
  }

  /// A text member that must be there and names something.
  func identifier(_ name: String) throws(ReplayError) -> Identifier { Identifier(try text(name)) }

  /// An integer member that must be there.
  func integer(_ name: String) throws(ReplayError) -> Int64 {
    guard case .number(let number) = self[name], let integer = number.integer else {
      throw ReplayError("\(name) is no integer")
    }
    return Int64(integer)
  }
}

extension Interaction {
  init(replaying members: JSONObject, _ detail: JSONValue) throws(ReplayError) {
    do throws(Failure) {
      try self.init(decoding: members)
    } catch {
      throw ReplayError(error.message)
    }
    if detail["interactionUUID"] == .null { interactionUUID = nil }
  }
}

extension CaseChange {
  fileprivate init(replaying data: JSONValue) throws(ReplayError) {
    guard let kind = Kind(rawValue: try data.text("eventType")) else { throw ReplayError("unknown eventType") }
    self.init(
      kind: kind, selectedCaseID: data["selectedCaseId"]?.stringValue.map(Identifier.init(_:)),
      caseID: try data.identifier("caseId"))
  }
}

extension MarkdoneEvent {
  fileprivate init(replaying data: JSONValue, _ detail: JSONValue) throws(ReplayError) {
    self.init(
      kind: try Kind(replaying: data, detail), interactionID: try data.identifier("interactionId"),
      caseID: try data.identifier("caseId"))
  }
}

extension MarkdoneEvent.Kind {
  fileprivate init(replaying data: JSONValue, _ detail: JSONValue) throws(ReplayError) {
    switch try data.text("eventType") {
    case "MARKDONE_BLOCKED":
      let block = MarkdoneBlock(
        interactionID: try data.identifier("interactionId"), blocker: try Self.blocker(detail),
        warningMessage: try data.text("warningMessage"),
        deadline: Timestamp(milliseconds: try detail.integer("deadline")))
      self = .blocked(block, timeoutMilliseconds: try data.integer("timeout"))
    case "MARKDONE_UNBLOCKED": self = .unblocked(try Self.blocker(detail))
    case "MARKDONE_BLOCK_EXPIRED": self = .blockExpired(try Self.blocker(detail))
    case "MARKDONE_REFUSED":
      self = .refused(
        warningMessage: try data.text("warningMessage"), remainingMilliseconds: try data.integer("remaining"))
    case "MARKED_DONE": self = .done(by: data["by"]?.stringValue.flatMap(MarkdoneEvent.Origin.init(name:)))
    case let other: throw ReplayError("unknown eventType \(other)")
    }
  }

  private static func blocker(_ detail: JSONValue) throws(ReplayError) -> Blocker {
    guard let blocker = Blocker(in: detail) else { throw ReplayError("the detail does not say whose block it is") }
    return blocker
  }
}
