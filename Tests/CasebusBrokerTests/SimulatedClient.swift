import CasebusJournal
import CasebusProtocol
import NIOCore

/// A client of ``ResumeSimulationTests``: it resumes from what it has handled, and knows what it has to get.
final class SimulatedClient {
  let workspace: String
  let names: Set<String>
  private(set) var position: JournalOffset = 0
  private(set) var connection: TestClient?
  /// What came and is not handled, with the oldest offset that was kept when it came.
  private var inbox: [(text: String, first: JournalOffset)] = []
  private(set) var resumes = (whole: 0, broken: 0)
  private let journal: SimulatedJournal

  init(_ workspace: String, _ names: Set<String>, _ journal: SimulatedJournal) {
    self.workspace = workspace
    self.names = names
    self.journal = journal
  }

  private var stream: SharedJournal.Stream { journal.stream(WorkspaceID(workspace)!) }

  func connect(to broker: TestBroker) {
    let client = broker.connect(workspace)
    connection = client
    let since: JSONValue =
      position == 0
      ? "beginning"
      : ["epoch": .string(SimulatedJournal.epoch), "offset": .number(JSONNumber(Int(position)))]
    client.sendWithoutRunning(
      (["event": "subscribe", "data": .array(names.map(JSONValue.string)), "since": since, "referenceId": "s"]
        as JSONValue).jsonText)
  }

  /// What was sent to it but not handled never came.
  func disconnect() {
    inbox = []
    connection?.disconnect()
    connection = nil
  }

  /// The broker is gone.
  func lose() {
    inbox = []
    connection = nil
  }

  func collect() {
    guard let connection else { return }
    inbox += connection.received().map { ($0, stream.first) }
  }

  /// Handles the next messages.
  /// - Returns: what is wrong with them; nil if nothing is.
  func handle(_ count: Int = .max) -> String? {
    for _ in 0..<min(count, inbox.count) {
      let (text, first) = inbox.removeFirst()
      if let problem = text.hasPrefix(#"{"event":"#) ? event(text) : answer(text, first) { return problem }
      if connection == nil { return nil }
    }
    if connection?.sink.closed != nil { disconnect() }
    return nil
  }

  private func answer(_ text: String, _ first: JournalOffset) -> String? {
    if text.contains(#""errorCode":"journal_unavailable""#) {
      disconnect()
      return nil
    }
    guard let stands = text.offset.map(JournalOffset.init), text.epoch == SimulatedJournal.epoch else {
      return "an answer without a position: \(text)"
    }
    guard stands >= position else { return "had \(position), the workspace stands at \(stands)" }
    let isWhole = position == stands || first <= position + 1
    guard text.contains(#""recovered":\#(isWhole),"#) else {
      return "after \(position), kept from \(first): \(text)"
    }
    if isWhole {
      resumes.whole += 1
    } else {
      resumes.broken += 1
      position = stands
    }
    return nil
  }

  private func event(_ text: String) -> String? {
    guard let next = nextWanted else { return "an event that is not committed, or came before: \(text)" }
    let data = String(buffer: next.data)
    guard text.offset == Int(next.offset), text.contains(#""data":\#(data),"#) else {
      return "after \(position) expected \(next.offset) \(data): \(text)"
    }
    position = next.offset
    return nil
  }

  /// The event that it has to get next.
  var nextWanted: JournalRecord? {
    stream.all.dropFirst(Int(position)).first { names.contains($0.event) }
  }
}
