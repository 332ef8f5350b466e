import CasebusJournal
import CasebusProtocol
import GRDB
package import struct NIOCore.ByteBuffer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes a journal from an export. The journal exists only after every line was valid and written.
package final class JournalImport {
  /// The format of the lines.
  static let format: Int64 = 1

  private let files: JournalFiles
  private let lock: JournalLock
  private let queue: DatabaseQueue
  private let keepsEpoch: Bool
  private var lines = 0
  /// nil after the import is complete.
  private var content: ImportedContent?

  /// - Parameters:
  ///   - directory: must have no journal; created if it does not exist.
  ///   - keepsEpoch: whether clients can resume. Not allowed if a broker worked with the journal after the export: then
  ///     it gave offsets to events that are not in the export, and this journal would give them again.
  package init(directory: String, keepsEpoch: Bool) throws(JournalFileError) {
    files = JournalFiles(directory: directory)
    self.keepsEpoch = keepsEpoch
    try files.makeDirectory()
    lock = try JournalLock(files.lock)
    guard !files.hasDatabase else { throw .notEmpty(file: files.database) }
    do {
      try files.makeImporting()
      queue = try DatabaseQueue(importingTo: files.importing)
      content = try queue.writeWithoutTransaction { db in
        try JournalSchema.migrate(db, epoch: JournalSchema.newEpoch())
        try db.beginTransaction()
        return ImportedContent(statements: try WriterStatements(db))
      }
    } catch {
      throw JournalFileError(error, at: files.importing)
    }
  }

  deinit {
    guard content != nil else { return }
    close()
    unlink(files.importing)
  }

  /// Its statements must end before their connection, which is used on another thread.
  private func close() {
    queue.writeWithoutTransaction { _ in content = nil }
    try? queue.close()
  }

  /// - Parameter line: without its line end.
  /// - Throws: an error with the number of the line and its fault.
  package func add(_ line: ByteBuffer) throws(JournalImportError) {
    lines += 1
    do {
      let values = try ImportedLine(line)
      if lines == 1 { return try begin(values) }
      guard content?.isAtEnd == false else { throw ImportedLineError("it follows the end") }
      try queue.writeWithoutTransaction { _ in try content?.add(values, lineNumber: lines) }
    } catch let error as DatabaseError {
      throw JournalImportError("line \(lines): \(files.importing): \(error.text)")
    } catch {
      throw JournalImportError("line \(lines): \(error)")
    }
  }

  private func begin(_ line: ImportedLine) throws {
    guard line.type == "journal" else { throw ImportedLineError("its type is \"\(line.type)\", expected \"journal\"") }
    let format = try line.integer("format")
    guard format == Self.format else {
      throw ImportedLineError("its format is \(format), expected \(Self.format): another version of Casebus wrote it")
    }
    let epoch = try line.text("epoch")
    guard (1...64).contains(epoch.utf8.count) else { throw ImportedLineError("its epoch is \"\(epoch)\"") }
    let generation = try line.generation()
    try queue.writeWithoutTransaction { db in
      try StreamEpoch.set(generation: generation, db)
      if keepsEpoch { try JournalSchema.set(epoch: epoch, db) }
    }
  }

  /// Completes the import: from now on the journal exists.
  /// - Returns: the number of workspaces and events.
  package func finish() throws -> (workspaces: Int, events: UInt64) {
    guard let counts = content.map({ ($0.workspaceCount, $0.events) }), content?.isAtEnd == true else {
      throw JournalImportError("line \(lines + 1): the line of type \"end\" is missing: it is not the whole export")
    }
    do {
      try queue.writeWithoutTransaction { try $0.commit() }
      close()
      try files.completeImport()
    } catch {
      unlink(files.importing)
      throw JournalFileError(error, at: files.importing)
    }
    return counts
  }
}

/// Why lines cannot be imported; the text begins with the number of the line.
package struct JournalImportError: Error, CustomStringConvertible {
  package var description: String

  init(_ description: String) {
    self.description = description
  }
}

extension DatabaseQueue {
  /// No fsyncs: nobody reads the file before it is complete, and it is removed if the import fails.
  fileprivate convenience init(importingTo path: String) throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    try self.init(path: path, configuration: configuration)
    try writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
  }
}

@available(*, unavailable)
extension JournalImport: Sendable {}
