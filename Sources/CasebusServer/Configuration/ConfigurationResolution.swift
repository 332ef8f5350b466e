import Configuration

#if canImport(Glibc)
  import Glibc
#endif

/// The configuration that follows from flags, environment variables and a file, in this order of precedence, and from
/// the defaults. All values are checked, also those that a higher source overrides.
package struct ConfigurationResolution: Sendable {
  /// Of use only without problems.
  package private(set) var configuration = ServeConfiguration()
  /// Where each key that is set has its value from.
  package private(set) var sources: [String: ConfigurationSource] = [:]
  package private(set) var problems: [ConfigurationProblem] = []

  /// - Parameters:
  ///   - flags: values by flag (`--port`).
  ///   - environment: all variables of the process.
  ///   - file: the path of a YAML or JSON file; nil for none. It is read here.
  ///   - hasOwnCertificate: TLS uses a certificate that is not configured.
  package init(
    flags: [String: [String]] = [:], environment: [String: String] = [:], file: String? = nil,
    hasOwnCertificate: Bool = false
  ) {
    self.init(
      flags: flags, environment: environment, file: file.map { ConfigurationFile(path: $0) },
      hasOwnCertificate: hasOwnCertificate)
  }

  init(
    flags: [String: [String]], environment: [String: String], file: ConfigurationFile?, hasOwnCertificate: Bool = false
  ) {
    problems = ConfigurationEnvironment.problems(in: environment) + (file?.problems ?? [])
    let layers = [Layer(flags: flags), Layer(environment: environment)] + (file.map { [Layer(file: $0)] } ?? [])
    for key in ConfigurationTable.keys { resolve(key, layers) }
    if problems.isEmpty, let fault = configuration.fault(hasOwnCertificate: hasOwnCertificate) {
      problems.append(.together(fault))
    }
  }

  private mutating func resolve(_ key: ConfigurationKey, _ layers: [Layer]) {
    // The lowest precedence first, so that a higher one overrides it.
    for layer in layers.reversed() {
      guard let values = layer.values(of: key), let source = layer.source(key) else { continue }
      if key.write(values, &configuration) {
        sources[key.name] = source
        if key.isSecret { problems += SecretFile.problems(of: values, key, source) }
      } else {
        problems.append(.value(values, of: key, at: source))
      }
    }
  }
}

/// One source of values. The providers are those of swift-configuration; another one (a directory of secrets, a remote
/// store) is one more layer.
private struct Layer {
  let provider: any ConfigProvider
  /// nil for keys that this source cannot set.
  let source: (ConfigurationKey) -> ConfigurationSource?
  var prefix: [String] = []

  init(flags: [String: [String]]) {
    let values = ConfigurationTable.keys.compactMap { key in
      key.flag.flatMap { flags[$0] }.map { (key.name, $0) }
    }
    provider = Self.memory("flags", values)
    source = { $0.flag.map { .flag($0) } }
  }

  init(environment: [String: String]) {
    provider = EnvironmentVariablesProvider(environmentVariables: environment)
    source = { .variable($0.variable) }
    prefix = ["casebus"]
  }

  init(file: ConfigurationFile) {
    provider = Self.memory(file.path, file.values.map { ($0, $1) })
    source = { file.source(of: $0) }
  }

  func values(of key: ConfigurationKey) -> [String]? {
    let path = AbsoluteConfigKey(prefix + key.name.split(separator: ".").map(String.init))
    let type: ConfigType = key.takesSeveral ? .stringArray : .string
    return switch try? provider.value(forKey: path, type: type).value?.content {
    case .string(let text): [text]
    case .stringArray(let texts): texts
    case _: nil
    }
  }

  private static func memory(_ name: String, _ values: [(String, [String])]) -> InMemoryProvider {
    let content = values.map { name, values in
      let isList = ConfigurationTable[name]?.takesSeveral == true
      return (
        AbsoluteConfigKey(name.split(separator: ".").map(String.init)),
        ConfigValue(isList ? .stringArray(values) : .string(values.first ?? ""), isSecret: false)
      )
    }
    return InMemoryProvider(name: name, values: Dictionary(content) { first, _ in first })
  }
}

/// A file with a secret must not be readable by everybody on the machine.
enum SecretFile {
  static func problems(
    of values: [String], _ key: ConfigurationKey, _ source: ConfigurationSource
  ) -> [ConfigurationProblem] {
    guard key.form == .file || key.form == .files else { return [] }
    return values.compactMap { path in
      var status = stat()
      // A file that is not there is named by whoever reads it.
      guard stat(path, &status) == 0, status.st_mode & S_IROTH != 0 else { return nil }
      let mode = String(status.st_mode & 0o777, radix: 8)
      let shown = ConfigurationProblem.shown([path])
      return .at(
        source, "\(key.name): everybody can read \(shown) (mode 0\(mode)), expected at most 0640: chmod 600 \(shown)")
    }
  }
}
