import CasebusJournal
import Dispatch
import GRDB
import GRDBSQLite
import Synchronization

/// Moves what is committed from the log (`-wal`) to the database, so that the log begins anew before it is long.
///
/// SQLite would do that inside of the commit that makes the log long enough, and whoever waits for that commit would wait
/// for two more fsyncs. Here a connection of its own does the most of it while the writer goes on, and the writer does
/// the rest when the log is long: it can begin anew only when nothing in it is left to do.
///
/// `@unchecked Sendable`: the counts are used on the writer's queue only.
final class Checkpoints: @unchecked Sendable {
  private let background: DatabaseQueue
  private let isRunning = Atomic(false)
  private let record = Mutex<JournalStatistics.Checkpoint?>(nil)
  private var logPages = 0
  private var nextPages = Checkpoints.pages
  /// 4 MiB.
  private static var pages: Int { 1024 }
  /// 64 MiB.
  private static var pagesMax: Int { 16 * pages }

  init(_ file: String) throws {
    var configuration = Configuration()
    configuration.label = "casebus.journal.checkpoints"
    configuration.busyMode = .timeout(5)
    background = try DatabaseQueue(path: file, configuration: configuration)
  }

  /// The last one that ended; nil if none has.
  var last: JournalStatistics.Checkpoint? { record.withLock { $0 } }

  /// Is told by the connection after each of its commits how long the log is.
  func follow(_ db: Database) {
    sqlite3_wal_hook(
      db.sqliteConnection,
      { context, _, _, pages in
        Unmanaged<Checkpoints>.fromOpaque(context!).takeUnretainedValue().logPages = Int(pages)
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  /// The writer has nothing urgent to do: what it committed is answered.
  func committed(_ db: Database) {
    if logPages < Self.pages { nextPages = Self.pages }
    guard logPages >= nextPages else { return }
    nextPages = logPages + Self.pages
    if logPages >= Self.pagesMax {
      copy(db)
    } else {
      runInTheBackground()
    }
  }

  private func runInTheBackground() {
    guard isRunning.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
    background.asyncWriteWithoutTransaction { [self] db in
      copy(db)
      isRunning.store(false, ordering: .relaxed)
    }
  }

  /// It fails while another one runs; there will be a next time.
  private func copy(_ db: Database) {
    let start = ContinuousClock.now
    guard let (logPages, copiedPages) = try? db.checkpoint(.passive) else { return }
    let checkpoint = JournalStatistics.Checkpoint(
      logPages: logPages, copiedPages: copiedPages, duration: ContinuousClock.now - start)
    record.withLock { $0 = checkpoint }
  }

  func close() {
    try? background.close()
  }
}
