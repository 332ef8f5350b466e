import struct NIOCore.ByteBuffer

extension ClientMessage {
  /// Decodes a publish of an event that is only passed on, and leaves its data as text. The result is what the general way
  /// of decoding gives.
  /// - Returns: nil if the message has to be decoded the general way: it is another message, it is not valid, or it is not
  ///   written in the compact form.
  init?(relayed text: ByteBuffer, limits: JSONLimits) {
    let read = text.withUnsafeReadableBytes { bytes in
      CompactScanner.scan(bytes, limits: limits) { scanner throws(CompactScanner.NotCompact) in
        var members = RelayedMembers()
        try members.read(from: &scanner)
        return members
      }
    }
    guard let members = read, let name = members.name, let range = members.data,
      let data = text.getSlice(at: text.readerIndex + range.lowerBound, length: range.count)
    else { return nil }
    self.init(
      .publish(name, data: PublishedData(compactObject: data)), referenceID: members.referenceID,
      messageID: members.messageID, workspaceID: members.workspaceID)
  }
}

/// The members of a publish.
private struct RelayedMembers {
  private(set) var name: EventName?
  /// Where the published data stands in the text.
  private(set) var data: Range<Int>?
  private(set) var referenceID: ReferenceID?
  private(set) var messageID: Identifier?
  private(set) var workspaceID: WorkspaceID?

  mutating func read(from scanner: inout CompactScanner) throws(CompactScanner.NotCompact) {
    var known: MemberNames = []
    try scanner.enter(depth: 0)
    repeat {
      let member = try MemberNames(scanner.memberName(), in: &known)
      try read(member, from: &scanner)
    } while try scanner.separator(closing: UInt8(ascii: "}"))
    guard scanner.isAtEnd, known.isSuperset(of: [.event, .data]) else { throw CompactScanner.NotCompact() }
  }

  private mutating func read(
    _ member: MemberNames, from scanner: inout CompactScanner
  ) throws(CompactScanner.NotCompact) {
    switch member {
    case .event: guard try scanner.plainString().isText("publish") else { throw CompactScanner.NotCompact() }
    case .data: try readPublication(from: &scanner)
    case .referenceID: referenceID = try Self.referenceID(from: &scanner)
    case .messageID:
      let text = try scanner.plainString()
      guard (1...128).contains(text.count) else { throw CompactScanner.NotCompact() }
      messageID = Identifier(String(decoding: text, as: UTF8.self))
    case .workspaceID:
      guard let id = WorkspaceID(String(decoding: try scanner.plainString(), as: UTF8.self)) else {
        throw CompactScanner.NotCompact()
      }
      workspaceID = id
    case .userAgent: _ = try scanner.plainString()
    case .protocolVersion: try scanner.literal("2")
    case _: throw CompactScanner.NotCompact()
    }
  }

  private mutating func readPublication(from scanner: inout CompactScanner) throws(CompactScanner.NotCompact) {
    var known: MemberNames = []
    try scanner.enter(depth: 1)
    repeat {
      switch try MemberNames(scanner.memberName(), in: &known) {
      case .event: name = try Self.relayedName(scanner.plainString())
      case .data: data = try scanner.object(depth: 2)
      case _: throw CompactScanner.NotCompact()
      }
    } while try scanner.separator(closing: UInt8(ascii: "}"))
  }

  /// The broker looks into the data of the other events.
  private static func relayedName(_ text: UnsafeRawBufferPointer) throws(CompactScanner.NotCompact) -> EventName {
    if text.isText("agent") { return .agent }
    if text.isText("media") { return .media }
    if text.isText("outbound") { return .outbound }
    if text.isText("system") { return .system }
    guard let name = EventName(String(decoding: text, as: UTF8.self)), case .messenger = name else {
      throw CompactScanner.NotCompact()
    }
    return name
  }

  private static func referenceID(
    from scanner: inout CompactScanner
  ) throws(CompactScanner.NotCompact) -> ReferenceID {
    if try scanner.peek() == UInt8(ascii: "\"") {
      return .string(String(decoding: try scanner.plainString(), as: UTF8.self))
    }
    return .number(try scanner.number())
  }
}

/// The members of a message that a publish can have.
private struct MemberNames: OptionSet {
  let rawValue: UInt8

  static let event = MemberNames(rawValue: 1)
  static let data = MemberNames(rawValue: 2)
  static let referenceID = MemberNames(rawValue: 4)
  static let messageID = MemberNames(rawValue: 8)
  static let workspaceID = MemberNames(rawValue: 16)
  static let userAgent = MemberNames(rawValue: 32)
  static let protocolVersion = MemberNames(rawValue: 64)

  init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// - Parameter known: the members that were read before; this one must not be among them.
  init(_ name: UnsafeRawBufferPointer, in known: inout MemberNames) throws(CompactScanner.NotCompact) {
    if name.isText("event") {
      self = .event
    } else if name.isText("data") {
      self = .data
    } else if name.isText("referenceId") {
      self = .referenceID
    } else if name.isText("messageId") {
      self = .messageID
    } else if name.isText("workspaceId") {
      self = .workspaceID
    } else if name.isText("userAgent") {
      self = .userAgent
    } else if name.isText("protocolVersion") {
      self = .protocolVersion
    } else {
      throw CompactScanner.NotCompact()
    }
    guard known.insert(self).inserted else { throw CompactScanner.NotCompact() }
  }
}
