internal import CasebusSocket
internal import DequeModule
internal import NIOCore

/// Written bytes that are not encrypted yet: until the end of the handshake, until the next flush, or, if the handler
/// above respects ``TLSHandler/isWritable``, until the socket has taken the earlier records.
///
/// Bytes are queued as plaintext, because then connections can share them.
struct PlaintextQueue {
  /// Called when the socket has taken the bytes, or cannot any more.
  typealias Completion = (Result<Void, any Error>) -> Void

  /// The bytes that are encrypted together.
  struct Chunk {
    var bytes = ByteBuffer()
    var completions: [Completion] = []

    func complete(_ result: Result<Void, any Error>) {
      for completion in completions { completion(result) }
    }
  }

  /// The bytes of a slow connection that are encrypted ahead: four full records.
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

  /// Removes the next bytes: small pieces are joined, so that they share records; of a large piece at most one chunk.
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

  /// Calls the writers. They may write again, so replace this queue before.
  func fail(_ error: any Error) {
    for piece in pieces { piece.completion?(.failure(error)) }
  }
}
