import CasebusProtocol
import GRDB

/// The name of a workspace's numbering (Protocol §9.1).
///
/// It is made of the file's own epoch, of the workspace, so that a position of another workspace is not taken for one's
/// own, and of the generation: a workspace that was forgotten begins with 1 again, under another name.
enum StreamEpoch {
  static func text(file: String, workspace: WorkspaceID, generation: Int64) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for part in [file, workspace.text, String(generation)] {
      for byte in part.utf8 { hash.mix(byte) }
      // No part has it, so that no two lists of parts are alike.
      hash.mix(0xFF)
    }
    return String(hash.spread, radix: 36)
  }

  private static let key = "generation"

  /// One for each sweep that forgets something: never reached.
  static var generationMax: Int64 { 1 << 53 }

  /// How often workspaces were forgotten in this file. A workspace that has no row yet is of this generation.
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
