package import ServiceLifecycle

extension ServiceGroupConfiguration {
  /// However a service ends, the others are given the time to end well.
  package static func stoppingAll(_ service: any Service) -> ServiceConfiguration {
    ServiceConfiguration(
      service: service, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
  }
}
