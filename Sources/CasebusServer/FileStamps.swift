import FoundationEssentials

/// Attributes of a file that change with the file or its content; an unreadable file counts as missing.
struct FileStamps: Hashable {
  private struct Stamp: Hashable {
    /// The path without links: certificates are often renewed by changing a link.
    var path: String
    var inode: UInt64?
    var size: UInt?
    var changed: Date?
  }

  private let stamps: [Stamp?]

  init(of files: [String]) {
    stamps = files.map(Self.stamp)
  }

  private static func stamp(of file: String) -> Stamp? {
    let path = URL(filePath: file).resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else { return nil }
    return Stamp(
      path: path, inode: attributes[.systemFileNumber] as? UInt64, size: attributes[.size] as? UInt,
      changed: attributes[.modificationDate] as? Date)
  }
}
