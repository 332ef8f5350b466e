internal import CasebusSocket
internal import DequeModule
internal import NIOCore

/// What was written and is not encrypted yet: until the end of the handshake, until the next flush, or, where the handler
/// above looks at ``TLSHandler/isWritable``, until the socket has taken what was encrypted before.
///
/// Bytes wait here rather than encrypted, because here they may be shared with other connections.
struct PlaintextQueue {
  /// Told when the socket has the bytes, or that it never will.
  typealias Completion = (Result<Void, any Error>) -> Void

  /// What is encrypted together.
  struct Chunk {
    var bytes = ByteBuffer()
    var completions: [Completion] = []

    func complete(_ result: Result<Void, any Error>) {
      for completion in completions { completion(result) }
    }
  }

  /// Of a slow connection so much is encrypted ahead: four whole records.
  static var chunkBytesMax: Int { 65_536 }

  private struct Piece {
    var bytes: ByteBuffer
    var completion: Completion?
  }

  private var pieces: Deque<Piece> = []
  private(set) var byteCount = 0

  var isEmpty: Bool { pieces.isEmpty }

  mutating func append(_ bytes: ByteBuffer, _ completion: Completion?) {
    pieces.append(Piece(bytes: bytes.detachedIfSmall(), completion: completion))
    byteCount += bytes.readableBytes
  }

  /// Removes what comes next: small pieces joined, so that they share records, and no more of a large one than a chunk.
  mutating func nextChunk() -> Chunk {
    var chunk = Chunk()
    while let piece = pieces.first, fits(piece.bytes, into: chunk) {
      pieces.removeFirst()
      if chunk.bytes.readableBytes == 0 {
        chunk.bytes = piece.bytes
      } else {
        chunk.bytes.writeImmutableBuffer(piece.bytes)
      }
      if let completion = piece.completion { chunk.completions.append(completion) }
    }
    if chunk.bytes.readableBytes == 0, !pieces.isEmpty {
      chunk.bytes = pieces[0].bytes.readSlice(length: min(Self.chunkBytesMax, pieces[0].bytes.readableBytes))!
    }
    byteCount -= chunk.bytes.readableBytes
    if pieces.isEmpty { pieces = [] }
    return chunk
  }

  private func fits(_ bytes: ByteBuffer, into chunk: Chunk) -> Bool {
    chunk.bytes.readableBytes + bytes.readableBytes <= Self.chunkBytesMax
  }

  /// Tells the writers. What they do about it must not change this queue: put another in its place before.
  func fail(_ error: any Error) {
    for piece in pieces { piece.completion?(.failure(error)) }
  }
}
