package import ServiceLifecycle

extension ServiceGroupConfiguration {
  /// When a service ends, in whatever way, the others are stopped gracefully.
  package static func stoppingAll(_ service: any Service) -> ServiceConfiguration {
    ServiceConfiguration(
      service: service, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
  }
}
