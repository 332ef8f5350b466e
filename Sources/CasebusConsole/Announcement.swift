import ServiceLifecycle

/// Says that clients can connect.
package struct Announcement<Addresses: Sendable>: Service {
  private let addresses: AsyncStream<Addresses>
  private let announce: @Sendable (Addresses) throws -> Void

  package init(addresses: AsyncStream<Addresses>, announce: @escaping @Sendable (Addresses) throws -> Void) {
    self.addresses = addresses
    self.announce = announce
  }

  package func run() async throws {
    // Goes on until the others are stopped: a service that returns ends them.
    for await addresses in addresses.cancelOnGracefulShutdown() { try announce(addresses) }
  }
}
