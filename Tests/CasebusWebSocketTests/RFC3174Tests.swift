import Testing

@testable import CasebusWebSocket

@Suite("RFC 3174 SHA-1 and RFC 4648 Base64")
struct DigestTests {
  @Test(
    "The standard's test vectors",
    arguments: [
      ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
      ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
      (
        "0123456701234567012345670123456701234567012345670123456701234567", 10,
        "dea356a2cddd90c7a7ecedc5ebb563934f460452"
      ),
    ])
  func vectors(text: String, repeats: Int, digest: String) {
    #expect(SHA1.digest(String(repeating: text, count: repeats).utf8) == [UInt8](hex: digest))
  }

  @Test("Every padding length gives 20 bytes that differ")
  func paddings() {
    let digests = (0..<130).map { SHA1.digest([UInt8](repeating: 0, count: $0)) }
    #expect(digests.allSatisfy { $0.count == 20 })
    #expect(Set(digests).count == digests.count)
  }

  @Test(
    "RFC 4648 §10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func base64(text: String, encoded: String) {
    #expect(Base64.encode(Array(text.utf8)) == encoded)
  }
}
