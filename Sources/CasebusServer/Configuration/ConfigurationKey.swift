/// One key of the configuration: what it means, which values it takes, and where it goes.
package struct ConfigurationKey: Sendable {
  /// Which values are taken.
  package enum Form: Hashable, Sendable {
    /// Bounds are texts, because numbers have different types. The unit is empty if the meaning says it.
    case number(low: String, high: String, unit: String)
    case choice([String])
    case boolean
    case text
    case file
    /// Several, in order.
    case files
  }

  /// Dotted, kebab-case; the vendor's name where the vendor has one.
  package let name: String
  package let form: Form
  /// A sentence with a period.
  package let meaning: String
  /// The option of `casebus serve`; nil if only files and the environment can set the key.
  package fileprivate(set) var flag: String?
  /// The name in `Protocol/registry/limits.json`; nil if it is no limit.
  package fileprivate(set) var limit: String?
  /// What applies without a value; nil if the default is a value.
  package fileprivate(set) var absence: String?
  /// Whether SIGHUP applies a new value; else it needs a restart.
  package fileprivate(set) var isReloadable = false
  /// The value, or what the named file has in it, is never printed, and such a file must not be readable by everybody.
  package fileprivate(set) var isSecret = false

  /// The values in a configuration, none if absent.
  let read: @Sendable (ServeConfiguration) -> [String]
  /// Returns false and changes nothing if a value is not of the form.
  let write: @Sendable ([String], inout ServeConfiguration) -> Bool
  /// Takes over the value of another configuration, also an absent one.
  let copy: @Sendable (ServeConfiguration, inout ServeConfiguration) -> Void

  /// The environment variable: `listen.port` is `CASEBUS_LISTEN_PORT`.
  package var variable: String {
    "CASEBUS_" + String(name.map { $0 == "." || $0 == "-" ? "_" : $0 }).uppercased()
  }

  /// The first part of the name.
  package var section: Substring { name.prefix { $0 != "." } }

  /// What would be right, such as `1 to 86400 seconds`.
  package var expectation: String {
    switch form {
    case .number(let low, let high, let unit): unit.isEmpty ? "\(low) to \(high)" : "\(low) to \(high) \(unit)"
    case .choice(let values): values.dropLast().joined(separator: ", ") + " or " + (values.last ?? "")
    case .boolean: "true or false"
    case .text: "a text that is not empty"
    case .file: "the name of a file"
    case .files: "names of files"
    }
  }

  package var defaultValues: [String] { read(ServeConfiguration()) }

  /// nil if absent or one of several.
  package func value(in configuration: ServeConfiguration) -> String? { read(configuration).first }

  var takesSeveral: Bool { form == .files }
}

// MARK: - Making rows

extension ConfigurationKey {
  typealias Path<Value> = WritableKeyPath<ServeConfiguration, Value> & Sendable

  static func number<Number: FixedWidthInteger & Sendable>(
    _ name: String, _ path: any Path<Number>, _ range: ClosedRange<Number>, _ unit: String, _ meaning: String
  ) -> Self {
    Self(
      name: name, form: .number(low: "\(range.lowerBound)", high: "\(range.upperBound)", unit: unit), meaning: meaning,
      read: { ["\($0[keyPath: path])"] },
      write: { values, configuration in
        guard let number = Self.number(values, in: range) else { return false }
        configuration[keyPath: path] = number
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
  }

  static func number(
    _ name: String, _ path: any Path<Int?>, _ range: ClosedRange<Int>, _ unit: String, _ meaning: String,
    absence: String
  ) -> Self {
    var key = Self(
      name: name, form: .number(low: "\(range.lowerBound)", high: "\(range.upperBound)", unit: unit), meaning: meaning,
      read: { $0[keyPath: path].map { ["\($0)"] } ?? [] },
      write: { values, configuration in
        guard let number = Self.number(values, in: range) else { return false }
        configuration[keyPath: path] = number
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
    key.absence = absence
    return key
  }

  static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: any Path<Value>, _ meaning: String
  ) -> Self {
    Self(
      name: name, form: .choice(Value.allCases.map(\.rawValue)), meaning: meaning,
      read: { [$0[keyPath: path].rawValue] },
      write: { values, configuration in
        guard values.count == 1, let value = Value(rawValue: values[0]) else { return false }
        configuration[keyPath: path] = value
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
  }

  static func boolean(_ name: String, _ path: any Path<Bool>, _ meaning: String) -> Self {
    Self(
      name: name, form: .boolean, meaning: meaning, read: { ["\($0[keyPath: path])"] },
      write: { values, configuration in
        guard values.count == 1, let value = Bool(values[0]) else { return false }
        configuration[keyPath: path] = value
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
  }

  static func text(_ name: String, _ path: any Path<String>, _ meaning: String, form: Form = .text) -> Self {
    Self(
      name: name, form: form, meaning: meaning, read: { [$0[keyPath: path]] },
      write: { values, configuration in
        guard values.count == 1, !values[0].isEmpty else { return false }
        configuration[keyPath: path] = values[0]
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
  }

  static func text(
    _ name: String, _ path: any Path<String?>, _ meaning: String, absence: String, form: Form = .text
  ) -> Self {
    var key = Self(
      name: name, form: form, meaning: meaning, read: { $0[keyPath: path].map { [$0] } ?? [] },
      write: { values, configuration in
        guard values.count == 1, !values[0].isEmpty else { return false }
        configuration[keyPath: path] = values[0]
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
    key.absence = absence
    return key
  }

  static func files(_ name: String, _ path: any Path<[String]>, _ meaning: String) -> Self {
    var key = Self(
      name: name, form: .files, meaning: meaning, read: { $0[keyPath: path] },
      write: { values, configuration in
        guard !values.contains("") else { return false }
        configuration[keyPath: path] = values
        return true
      }, copy: { $1[keyPath: path] = $0[keyPath: path] })
    key.absence = "none"
    return key
  }

  func flag(_ flag: String) -> Self { with { $0.flag = flag } }
  func limit(_ limit: String) -> Self { with { $0.limit = limit } }
  var reloadable: Self { with { $0.isReloadable = true } }
  var secret: Self { with { $0.isSecret = true } }

  private func with(_ change: (inout Self) -> Void) -> Self {
    var key = self
    change(&key)
    return key
  }

  private static func number<Number: FixedWidthInteger>(_ values: [String], in range: ClosedRange<Number>) -> Number? {
    // `Number("+1")` is a number; nobody means that.
    guard values.count == 1, !values[0].hasPrefix("+"), let number = Number(values[0]) else { return nil }
    return range.contains(number) ? number : nil
  }
}
