import ArgumentParser
import CasebusServer

extension ArgumentHelp {
  /// The help of an option that sets a key: its meaning, which values it takes, and the default.
  static func key(_ name: String) -> ArgumentHelp {
    guard let key = ConfigurationTable[name] else { preconditionFailure("\(name) is no configuration key") }
    return ArgumentHelp("\(key.meaning.dropLast())\(key.valuesText)", valueName: key.valueName)
  }
}

extension ConfigurationKey {
  fileprivate var valuesText: String {
    let values = defaultValues.first.map { "default: \($0)" } ?? absence.map { "default: \($0)" } ?? ""
    return switch form {
    case .number: ", \(expectation). (\(values))"
    case .choice(let choices): ". (values: \(choices.joined(separator: ", ")); \(values))"
    case .text: ". (\(values))"
    case .file where !defaultValues.isEmpty: ". (\(values))"
    case .boolean, .file, .files: "."
    }
  }

  fileprivate var valueName: String {
    switch form {
    case .number(_, _, "seconds"): "seconds"
    case .number(_, _, "milliseconds"): "ms"
    case .number(_, _, "bytes"): "bytes"
    case .number(_, _, ""): String(name.split(separator: ".").last ?? "number")
    case .number: "count"
    case .file where name.hasSuffix("directory"): "directory"
    case .file, .files: "file"
    case .choice, .text, .boolean: flag.map { String($0.split(separator: "-").last ?? "value") } ?? "value"
    }
  }
}

extension ParsableArguments {
  /// The options of the command line that were given, by flag. A property `pingInterval` is the option `--ping-interval`.
  /// A flag such as `--no-deflate` sets its key to false.
  var givenFlags: [String: [String]] {
    Mirror(reflecting: self).children.reduce(into: [:]) { flags, child in
      guard let label = child.label?.drop(while: { $0 == "_" }) else { return }
      let flag = "--" + label.map { $0.isUppercase ? "-\($0.lowercased())" : "\($0)" }.joined()
      switch child.value {
      case let option as Option<String?>: flags[flag] = option.wrappedValue.map { [$0] }
      case let option as Option<[String]>: flags[flag] = option.wrappedValue.isEmpty ? nil : option.wrappedValue
      case let option as Flag<Bool> where ConfigurationTable.isFlag(flag):
        flags[flag] = option.wrappedValue ? ["false"] : nil
      case _: break
      }
    }
  }
}

extension ConfigurationTable {
  fileprivate static func isFlag(_ flag: String) -> Bool { keys.contains { $0.flag == flag } }
}
