import CasebusJournal
import CasebusProtocol
import GRDB
package import struct NIOCore.ByteBuffer

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Makes a journal of what an export wrote. It is there when everything is in it and right, or not at all.
package final class JournalImport {
  /// Which lines there are and what is in them.
  static let format: Int64 = 1

  private let files: JournalFiles
  private let lock: JournalLock
  private let queue: DatabaseQueue
  private let keepsEpoch: Bool
  private var lines = 0
  /// nil once it is complete.
  private var content: ImportedContent?

  /// - Parameters:
  ///   - directory: must have no journal in it; made if it is not there.
  ///   - keepsEpoch: whether clients can go on where they were. Not if the broker went on after the export: then it gave
  ///     numbers to events that are not in it, and gives them again.
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

  /// Its statements end before the connection, which is on another thread.
  private func close() {
    queue.writeWithoutTransaction { _ in content = nil }
    try? queue.close()
  }

  /// - Parameter line: without its end.
  /// - Throws: an error that says which line is wrong, and what of it.
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

  /// The journal is there from now on.
  /// - Returns: how many workspaces and events it has.
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
  /// Nobody reads the file before it is complete, and it is removed if that does not happen.
  fileprivate convenience init(importingTo path: String) throws {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    try self.init(path: path, configuration: configuration)
    try writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
  }
}

@available(*, unavailable)
extension JournalImport: Sendable {}
