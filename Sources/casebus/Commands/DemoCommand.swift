import ArgumentParser
import CasebusConsole
import CasebusProtocol
import CasebusServer
import CasebusTLS
import ServiceLifecycle

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Runs a broker and simulated agents in one process, with commands to try.",
    discussion: """
      casebus serve and casebus simulate together; the first agent works in the
      workspace that clients get who name none.

      EXAMPLES:
        casebus demo
        casebus demo --agents 10 --rate 30 --seed 7 --port 9000
        casebus demo --tls
      """)

  @Flag(help: "Speak TLS, too, on --tls-port (8443), with a certificate for localhost that is made for it.")
  var tls = false

  @OptionGroup var server: ServerOptions
  @OptionGroup var simulation: SimulationOptions

  private static let tlsPort = 8443

  func validate() throws {
    try server.check(hasOwnCertificate: tls)
    let settings = server.resolution(hasOwnCertificate: true).configuration
    guard settings.tls.certificateFiles.isEmpty, settings.isPlain else {
      throw ValidationError("the demo has a certificate of its own (--tls), and listens without TLS, too")
    }
    if settings.tls.port != nil, !tls { throw ValidationError("--tls-port needs --tls") }
  }

  func run() async throws {
    var plan = simulation.plan
    plan.workspaces[0] = .default
    let certificate = tls ? try DemoCertificate() : nil
    let (addresses, continuation) = AsyncStream.makeStream(of: ListeningAddress.self)
    let simulation = DemoSimulation(plan: plan, addresses: addresses)
    let resolution = try server.checkedResolution(hasOwnCertificate: tls)
    let broker = BrokerProcess(resolution) { server.resolution(hasOwnCertificate: tls) }
    try await broker.run(tls: configuration(certificate, resolution.configuration), companions: [simulation]) {
      [plan] addresses in
      let command = CommandLine.arguments[0]
      try printLine(DemoGuide(address: addresses.first, plan: plan, command: command).text)
      if let certificate, let address = addresses.tls {
        try printLine(DemoCertificateGuide(certificate: certificate, address: address, program: command).text)
      }
      continuation.yield(addresses.first)
    }
  }

  private func configuration(
    _ certificate: DemoCertificate?, _ configuration: ServeConfiguration
  ) -> TLSListenerConfiguration? {
    guard let certificate else { return nil }
    var settings = configuration.tls
    settings.port = settings.port ?? Self.tlsPort
    var listener = settings.listenerConfiguration
    listener?.files = [certificate.files]
    return listener
  }
}

/// The simulator in the process of the broker: starts when the broker listens.
private struct DemoSimulation: Service {
  let plan: SimulationPlan
  let addresses: AsyncStream<ListeningAddress>

  func run() async throws {
    for await address in addresses.cancelOnGracefulShutdown() {
      return try await Simulation(plan, broker: BrokerAddress(host: address.host, port: address.port)).run()
    }
  }
}
