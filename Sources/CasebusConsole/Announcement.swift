import ServiceLifecycle

/// Prints that clients can connect.
package struct Announcement<Addresses: Sendable>: Service {
  private let addresses: AsyncStream<Addresses>
  private let announce: @Sendable (Addresses) throws -> Void

  package init(addresses: AsyncStream<Addresses>, announce: @escaping @Sendable (Addresses) throws -> Void) {
    self.addresses = addresses
    self.announce = announce
  }

  package func run() async throws {
    // Runs until the other services are stopped, because a service that returns ends them.
    for await addresses in addresses.cancelOnGracefulShutdown() { try announce(addresses) }
  }
}
