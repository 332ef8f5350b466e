import Foundation

/// A file that is there as long as this process, for what reads files.
struct TemporaryFile {
  let path: String

  private static let folder: URL = {
    let folder = FileManager.default.temporaryDirectory.appending(path: "casebus-tls-tests-\(getpid())")
    try! FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(at: TemporaryFile.folder) }
    return folder
  }()

  init(_ text: String) throws {
    let file = Self.folder.appending(path: UUID().uuidString)
    try text.write(to: file, atomically: true, encoding: .utf8)
    path = file.path
  }
}
