import CasebusWebSocket
import Glibc
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import CasebusTransport

@Suite struct ClientAddressTests {
  @Test(arguments: [
    ("127.0.0.1", "127.0.0.1", true), ("10.1.2.3", "10.1.2.3", false), ("::1", "::1", true),
    ("::ffff:10.1.2.3", "10.1.2.3", false), ("::ffff:127.0.0.1", "127.0.0.1", true),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", false), ("fe80::1", "fe80:0:0:0::/64", false),
  ])
  func isNamed(_ text: String, as name: String, isLoopback: Bool) throws {
    let address = ClientAddress(try SocketAddress(ipAddress: text, port: 1))
    #expect(address.description == name)
    #expect(address.isLoopback == isLoopback)
  }

  @Test func networkOfIPv6CountsAsOneClient() throws {
    func address(_ text: String) throws -> ClientAddress { ClientAddress(try SocketAddress(ipAddress: text, port: 1)) }
    #expect(try address("2001:db8::1") == address("2001:db8::ffff:2"))
    #expect(try address("2001:db8::1") != address("2001:db8:0:1::1"))
    #expect(try address("10.0.0.1") != address("10.0.0.2"))
    #expect(try address("10.0.0.1") == address("::ffff:10.0.0.1"))
  }
}

@Suite struct ConnectionCensusTests {
  @Test func oneAddressMayHaveHalfOfAllConnections() throws {
    var configuration = ConnectionConfiguration()
    configuration.connectionsMax = 8
    let census = ConnectionCensus(ConnectionCountLimits(configuration))
    let channels = try (0..<5).map { _ in try Self.channel("10.0.0.1") }
    #expect(channels.map { census.admit($0).refusal } == [nil, nil, nil, nil, Self.full("10.0.0.1", 4)])
    #expect(census.admit(try Self.channel("10.0.0.2")).refusal == nil)
    _ = try channels[0].finish()
    #expect(census.admit(try Self.channel("10.0.0.1")).refusal == nil)
  }

  @Test func thisMachineMayHaveAllUnlessToldOtherwise() throws {
    var configuration = ConnectionConfiguration()
    configuration.connectionsMax = 4
    let open = ConnectionCensus(ConnectionCountLimits(configuration))
    for _ in 0..<4 { #expect(open.admit(try Self.channel("127.0.0.1")).refusal == nil) }
    configuration.connectionsPerAddressMax = 1
    let limited = ConnectionCensus(ConnectionCountLimits(configuration))
    #expect(limited.admit(try Self.channel("127.0.0.1")).refusal == nil)
    #expect(limited.admit(try Self.channel("127.0.0.1")).refusal == Self.full("127.0.0.1", 1))
  }

  @Test func thoseThatAreBeingRefusedAreFew() throws {
    var configuration = ConnectionConfiguration()
    configuration.connectionsMax = 1
    let census = ConnectionCensus(ConnectionCountLimits(configuration))
    #expect(census.admit(try Self.channel("10.0.0.1")).refusal == nil)
    let refused = try (0..<ConnectionCensus.refusalsMax).map { _ in try Self.channel("10.0.0.1") }
    for channel in refused { #expect(census.admit(channel).refusal?.hasSuffix("(connectionsMax)") == true) }
    #expect(census.admit(try Self.channel("10.0.0.1")).refusal == "dropped")
    _ = try refused[0].finish()
    #expect(census.admit(try Self.channel("10.0.0.1")).refusal?.hasSuffix("(connectionsMax)") == true)
  }

  private static func full(_ address: String, _ limit: Int) -> String {
    "\(limit) connections are open from \(address), allowed are \(limit) (connectionsPerAddressMax)"
  }

  private static func channel(_ address: String) throws -> EmbeddedChannel {
    let channel = EmbeddedChannel()
    try channel.connect(to: SocketAddress(ipAddress: address, port: 1)).wait()
    return channel
  }
}

extension ConnectionCensus.Admission {
  fileprivate var refusal: String? {
    switch self {
    case .welcome: nil
    case .refused(let rejection): rejection.reason
    case .dropped: "dropped"
    }
  }
}

@Suite struct AcceptBackoffTests {
  private let lines = RecordedLines()
  private let clock = EmbeddedEventLoop()

  private func backoff() -> AcceptBackoff {
    AcceptBackoff(logger: Logger(label: "test") { [lines] _ in lines }, now: { [clock] in clock.now })
  }

  @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
  func troubleIsLoggedOnceAndItsEndOnce(_ errnoCode: CInt) {
    let backoff = backoff()
    let error = IOError(errnoCode: errnoCode, reason: "accept")
    for _ in 0..<50 {
      #expect(backoff.failed(error) == .milliseconds(200))
      backoff.accepted()
      clock.advanceTime(by: .milliseconds(200))
    }
    #expect(lines.all == ["error: new connections cannot be accepted, those that are open stay"])
    clock.advanceTime(by: .seconds(5))
    for _ in 0..<3 { backoff.accepted() }
    #expect(lines.all.dropFirst() == ["notice: new connections are accepted again"])
    _ = backoff.failed(error)
    #expect(lines.all.count == 3)
  }

  @Test func connectionThatWasAbortedIsNoTrouble() {
    let backoff = backoff()
    #expect(backoff.failed(IOError(errnoCode: ECONNABORTED, reason: "accept")) == nil)
    backoff.accepted()
    #expect(lines.all == [])
  }
}

@Suite struct RefusalLogTests {
  @Test func refusalsAreOneLineAMinute() {
    let clock = EmbeddedEventLoop()
    let lines = RecordedLines()
    let logger = Logger(label: "test") { _ in lines }
    let refusals = RefusalLog(now: { clock.now })
    for _ in 0..<1_000 { refusals.refused("full", logger) }
    #expect(lines.all == ["warning: connections are refused refused=1"])
    clock.advanceTime(by: .minutes(1))
    for _ in 0..<10 { refusals.refused("full", logger) }
    #expect(lines.all.dropFirst() == ["warning: connections are refused refused=1000"])
  }
}

/// A log in memory.
final class RecordedLines: LogHandler {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .trace }
    set {}
  }

  subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }

  func log(event: LogEvent) {
    let count = event.metadata?["refused"].map { " refused=\($0)" } ?? ""
    lines.withLock { $0.append("\(event.level): \(event.message)\(count)") }
  }
}
