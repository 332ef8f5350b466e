import CasebusJournal
import CasebusProtocol

/// What is told of a durable consumer (Protocol §10.11).
struct ConsumerReport: Sendable {
  let consumer: JournalConsumer
  private let sessions: Int
  fileprivate var rows: [WorkspaceID: Row]

  fileprivate struct Row {
    var position: JournalOffset
    var last: JournalOffset
    var unacknowledged = 0
    var parked: [ParkedRecord] = []

    var backlog: JournalOffset { last - min(position, last) }
  }

  init(_ consumer: JournalConsumer, sessions: Int, _ backlogs: [JournalBacklog]) {
    self.consumer = consumer
    self.sessions = sessions
    rows = Dictionary(
      backlogs.map {
        ($0.workspace, Row(position: $0.position, last: $0.last, parked: $0.parked.filter { !$0.comesAgain }))
      },
      uniquingKeysWith: { first, _ in first })
  }

  mutating func workspaceIsInMemory(_ workspace: WorkspaceID, _ queue: ConsumerQueue) {
    var row = Row(position: queue.position, last: queue.last, unacknowledged: queue.unacknowledged)
    row.parked = rows[workspace]?.parked ?? []
    let isWorthTelling = consumer.key.workspace != nil || row.backlog > 0 || !row.parked.isEmpty
    rows[workspace] = isWorthTelling ? row : nil
  }

  /// What `consumer.list` tells.
  var summary: JSONObject {
    var object: JSONObject = [
      "name": .string(consumer.key.name),
      "workspaceId": consumer.key.workspace.map { .string($0.text) } ?? .null,
      "events": .array(consumer.events.map(JSONValue.string)), "sessions": .integer(sessions),
    ]
    if let workspace = consumer.key.workspace { object["position"] = .integer(rows[workspace]?.position ?? 0) }
    object["backlog"] = .integer(rows.values.reduce(0) { $0 + $1.backlog })
    object["unacknowledged"] = .integer(rows.values.reduce(0) { $0 + $1.unacknowledged })
    object["parked"] = .integer(rows.values.reduce(0) { $0 + $1.parked.count })
    return object
  }

  /// What `consumer.get` tells.
  var full: JSONObject {
    var object = summary
    object["workspaces"] = .array(rows.sorted { $0.key.text < $1.key.text }.map { .object($1.object(of: $0)) })
    return object
  }
}

extension ConsumerReport.Row {
  fileprivate func object(of workspace: WorkspaceID) -> JSONObject {
    [
      "workspaceId": .string(workspace.text), "position": .integer(position), "backlog": .integer(backlog),
      "unacknowledged": .integer(unacknowledged), "parked": .array(parked.map { .object($0.object) }),
    ]
  }
}

extension ParkedRecord {
  fileprivate var object: JSONObject {
    var object: JSONObject = ["offset": .integer(offset), "deliveries": .integer(deliveries), "time": .integer(time)]
    if let reason { object["reason"] = .string(reason.rawValue) }
    return object
  }
}

extension JSONValue {
  fileprivate static func integer(_ value: some BinaryInteger) -> JSONValue { .number(JSONNumber(value)) }
}
