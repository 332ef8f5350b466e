import FoundationEssentials

/// What tells that a file is another one, or has other content; a file that cannot be seen is one that is not there.
struct FileStamps: Hashable {
  private struct Stamp: Hashable {
    /// Where the links end: certificates are often renewed by making a link point elsewhere.
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
