/// A small generator of random numbers: the same ones for the same seed, on every machine (Steele, Lea, Flood 2014).
package struct SplitMix64: RandomNumberGenerator {
  private static let goldenGamma: UInt64 = 0x9E37_79B9_7F4A_7C15

  private var state: UInt64

  /// - Parameter stream: selects one of the independent sequences of this seed.
  package init(seed: UInt64, stream: UInt64) {
    // Mixed twice: generators whose states differ by a few gammas would give the same sequence with an offset.
    state = Self.mix(Self.mix(seed &+ Self.goldenGamma) ^ stream)
  }

  package mutating func next() -> UInt64 {
    state &+= Self.goldenGamma
    return Self.mix(state)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var bits = value
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}
