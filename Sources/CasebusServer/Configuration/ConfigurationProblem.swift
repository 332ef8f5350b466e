import CasebusProtocol

/// Where a value comes from, the highest precedence first.
package enum ConfigurationSource: Hashable, Sendable {
  case flag(String)
  case variable(String)
  case file(String, line: Int)
}

/// What is wrong with a configuration, in words that name the place, the key, the value and what would be right.
package struct ConfigurationProblem: Hashable, Sendable, CustomStringConvertible {
  /// nil: values that do not fit together.
  package let source: ConfigurationSource?
  package let description: String

  static func value(_ values: [String], of key: ConfigurationKey, at source: ConfigurationSource) -> Self {
    let value = key.isSecret && key.form == .text ? "(not shown)" : shown(values)
    let (place, name): (String, String) =
      switch source {
      case .flag(let flag): ("", flag)
      case .variable(let variable): ("environment variable \(variable): ", key.name)
      case .file(let file, let line): ("\(file):\(line): ", key.name)
      }
    return Self(source: source, description: "\(place)\(name) is \(value), expected \(key.expectation)")
  }

  static func unknownKey(_ name: String, at source: ConfigurationSource) -> Self {
    let suggestion = name.nearest(among: ConfigurationTable.keys.map(\.name)).map { ", did you mean \"\($0)\"?" }
    return at(source, "unknown key \(shown([name]))\(suggestion ?? "; casebus config reference lists all keys")")
  }

  static func unknownVariable(_ name: String) -> Self {
    let known = ConfigurationTable.keys.map(\.variable) + [ConfigurationEnvironment.fileVariable]
    let suggestion = name.nearest(among: known).map { ", did you mean \($0)?" }
    return Self(
      source: .variable(name),
      description:
        "unknown environment variable \(shown([name]))\(suggestion ?? "; casebus config reference lists all variables")"
    )
  }

  static func at(_ source: ConfigurationSource, _ text: String) -> Self {
    guard case .file(let file, let line) = source else { return Self(source: source, description: text) }
    return Self(source: source, description: "\(file):\(line): \(text)")
  }

  static func together(_ text: String) -> Self { Self(source: nil, description: text) }

  /// Short, on one line, and without what changes how a terminal shows the rest.
  static func shown(_ values: [String]) -> String {
    let text = values.joined(separator: ",")
    let isPlain = !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    let short = String(text.prefix(80)) + (text.count > 80 ? "…" : "")
    return isPlain ? short : short.debugDescription
  }
}
