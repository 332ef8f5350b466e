import CasebusClient
import CasebusConsole
import CasebusJournal
import CasebusProtocol
import CasebusServer
import Logging
import NIOPosix
import ServiceLifecycle
import Testing

@testable import casebus

/// Runs a broker as long as the closure takes.
/// - Parameter port: 0 for a free one.
func withBroker(
  journal: any EventJournal = MemoryJournal(), port: Int = 0,
  _ use: @Sendable @escaping (BrokerAddress) async throws -> Void
) async throws {
  let (addresses, continuation) = AsyncStream.makeStream(of: ListeningAddress.self)
  var configuration = BrokerServerConfiguration()
  configuration.port = port
  let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
  let server = BrokerServer(
    configuration: configuration, journal: journal, group: MultiThreadedEventLoopGroup.singleton, instance: "test",
    logger: logger
  ) { continuation.yield(BrokerAddresses($0).first) }
  let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [server], logger: logger))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    let address = try #require(await addresses.first { _ in true })
    try await use(BrokerAddress(host: address.host, port: address.port))
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}

extension BrokerAddress {
  func client(_ workspace: String = "default") async throws -> CasebusClient {
    try await connect(to: WorkspaceScope(queryValue: workspace)!)
  }
}
