import ServiceLifecycle

/// Checks periodically whether certificates have changed.
struct CertificateWatch: Service {
  let tls: ReloadingTLS

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(tls.configuration.reloadIntervalSeconds))
        if !Task.isCancelled { tls.reloadIfChanged() }
      }
    }
  }
}
