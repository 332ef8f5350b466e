import CasebusProtocol
import GRDB

/// The epoch of a workspace (Protocol §9.1).
///
/// It is a hash of the file's epoch, the workspace's name (so that a position of another workspace is not accepted) and
/// the generation (a forgotten workspace begins with offset 1 again, under another epoch).
enum StreamEpoch {
  static func text(file: String, workspace: WorkspaceID, generation: Int64) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in [file, workspace.text, String(generation)] {
      for byte in part.utf8 { hash.mix(byte) }
      // A separator that no part contains, so that different lists of parts give different texts.
      hash.mix(0xFF)
    }
    return String(hash.spread, radix: 36)
  }

  private static let key = "generation"

  /// The greatest generation; a sweep that forgets something adds one, so it is never reached.
  static var generationMax: Int64 { 1 << 53 }

  /// How often workspaces were forgotten in this file. A workspace without a row has this generation.
  static func generation(_ db: Database) throws -> Int64 {
    let text = try String.fetchOne(
      db.cachedStatement(sql: "SELECT value FROM meta WHERE key = ?"), arguments: [key])
    return text.flatMap(Int64.init) ?? 0
  }

  static func set(generation: Int64, _ db: Database) throws {
    try db.execute(sql: "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", arguments: [key, "\(generation)"])
  }
}

extension UInt64 {
  /// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv).
  fileprivate mutating func mix(_ byte: UInt8) {
    self = (self ^ UInt64(byte)) &* 0x100_0000_01b3
  }

  /// Each bit depends on all of them: the finalizer of MurmurHash3.
  fileprivate var spread: UInt64 {
    var hash = (self ^ (self >> 33)) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ (hash >> 33)) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ (hash >> 33)
  }
}
