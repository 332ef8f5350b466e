internal import COpenSSL
internal import Synchronization

/// The keys that seal session tickets (RFC 5077 §4, RFC 8446 §4.6.1). A new one is made every half life of a ticket. An old
/// one opens tickets until its last one has expired; then it is deleted, so that the memory of this process does not reveal
/// older sessions.
final class TicketKeyRing: Sendable {
  struct Key: Hashable {
    /// The name of the key, part of the ticket.
    let name: [UInt8]
    /// AES-256.
    let cipherKey: [UInt8]
    /// HMAC-SHA-256.
    let macKey: [UInt8]
    fileprivate let madeAt: ContinuousClock.Instant

    static let nameBytes = 16
  }

  private let lifetime: Duration
  /// The newest first.
  private let keys = Mutex<[Key]>([])

  init(ticketSeconds: Int) {
    lifetime = .seconds(ticketSeconds)
  }

  /// The key for a new ticket; nil if there are no random numbers.
  func sealingKey(at now: ContinuousClock.Instant) -> Key? {
    keys.withLock { keys in
      if let newest = keys.first, newest.madeAt + lifetime / 2 > now { return newest }
      keys.removeAll { $0.madeAt + lifetime * 3 / 2 <= now }
      guard let new = Self.makeKey(at: now) else { return nil }
      keys.insert(new, at: 0)
      return new
    }
  }

  /// The key of this name, and whether its tickets are still sealed with it; nil if it is unknown or too old.
  func openingKey(_ name: some Sequence<UInt8>, at now: ContinuousClock.Instant) -> (key: Key, isNewest: Bool)? {
    keys.withLock { keys in
      guard let index = keys.firstIndex(where: { $0.name.elementsEqual(name) }) else { return nil }
      guard keys[index].madeAt + lifetime * 3 / 2 > now else { return nil }
      return (keys[index], index == 0 && keys[0].madeAt + lifetime / 2 > now)
    }
  }

  private static func makeKey(at now: ContinuousClock.Instant) -> Key? {
    var bytes = [UInt8](repeating: 0, count: Key.nameBytes + 64)
    defer { OPENSSL_cleanse(&bytes, bytes.count) }
    guard RAND_priv_bytes(&bytes, Int32(bytes.count)) == 1 else { return nil }
    return Key(
      name: Array(bytes[..<16]), cipherKey: Array(bytes[16..<48]), macKey: Array(bytes[48...]), madeAt: now)
  }
}
