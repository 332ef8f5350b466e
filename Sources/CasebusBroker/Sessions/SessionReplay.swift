import CasebusJournal
import CasebusProtocol

/// A replay that is under way: what a session missed is read from the journal page by page, each one when the
/// connection has room for it.
struct SessionReplay {
  /// Tells this replay from earlier ones of the session, of which pages may still come.
  let subscriptionID: SubscriptionID
  var journal: any JournalReplay
  let workspace: WorkspaceID
  let epoch: String
  /// The names of the wanted events.
  let names: Set<String>
  /// Everything up to here was read.
  var position: JournalOffset
  /// Everything up to here is to be read before the workspace is asked for the rest.
  var target: JournalOffset
  /// Messages that are to take effect when the replay is over.
  var waiting: [Outcome] = []

  static var pageRecordsMax: Int { 256 }
  static var pageBytesMax: Int { 131_072 }
}

extension SessionReplay {
  /// The frame of a kept event; nil if it is not wanted.
  func frame(of record: JournalRecord) -> TextFrame? {
    guard names.contains(record.event), let name = EventName(record.event) else { return nil }
    let position = StreamPosition(offset: record.offset, epoch: epoch)
    return TextFrame(event: name, record.data, EventLabels(position: position))
  }

  /// The frame of an event that was not read from the journal; nil if it is not wanted.
  func frame(of event: EncodedEvent) -> TextFrame? {
    guard names.contains(event.name.description) else { return nil }
    return TextFrame(
      event: event.name, event.data, EventLabels(position: StreamPosition(offset: event.offset, epoch: epoch)))
  }
}
