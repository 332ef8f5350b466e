/// The environment variables of the configuration.
package enum ConfigurationEnvironment {
  /// Names the configuration file, as `--config` does.
  package static let fileVariable = "CASEBUS_CONFIG"

  /// Variables of the project's tests and benchmarks. A broker that they start inherits them.
  private static let foreign: Set<String> = [
    "CASEBUS_BINARY", "CASEBUS_ONLY", "CASEBUS_SIMULATIONS", "CASEBUS_SLOW_CONNECTIONS", "CASEBUS_TLS_HANDSHAKES",
    "CASEBUS_WRITE_JOURNAL",
  ]

  /// A misspelled variable would else be silently ignored, and with it a limit that somebody relies on.
  static func problems(in environment: [String: String]) -> [ConfigurationProblem] {
    let known = Set(ConfigurationTable.keys.map(\.variable)).union(foreign).union([fileVariable])
    return environment.filter { name, value in
      name.hasPrefix("CASEBUS_") && !known.contains(name) && !name.hasPrefix("CASEBUS_TEST_")
        && !isServiceLink(name, value)
    }.keys.sorted().map(ConfigurationProblem.unknownVariable)
  }

  /// Kubernetes sets such variables in each pod for a Service that is called `casebus…`: `CASEBUS_PORT=tcp://10.0.0.1:8080`,
  /// `CASEBUS_SERVICE_HOST`, `CASEBUS_PORT_8080_TCP_ADDR`.
  private static func isServiceLink(_ name: String, _ value: String) -> Bool {
    if name.hasSuffix("_SERVICE_HOST") || name.contains("_SERVICE_PORT") { return true }
    if name.hasSuffix("_PORT") { return value.contains("://") }
    guard let range = name.firstRange(of: "_PORT_") else { return false }
    return name[range.upperBound...].first?.isNumber == true
  }
}
