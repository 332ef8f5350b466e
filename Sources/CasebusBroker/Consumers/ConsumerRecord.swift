import CasebusJournal
import CasebusWorkspace
import NIOCore

/// A record as a durable consumer sees it.
struct ConsumerRecord: Hashable {
  var record: JournalRecord
  /// What its order and its session hang on; nil where any session will do.
  var key: EventKey?

  var offset: JournalOffset { record.offset }
  /// What it holds in memory, about.
  var bytes: Int { record.data.readableBytes }
}
