import Yams

#if canImport(Glibc)
  import Glibc
#endif

/// A configuration file: YAML, or JSON, which is YAML as well.
///
/// It is read with Yams itself: the YAML provider of swift-configuration knows no lines and drops keys that nobody asks
/// for, so that a misspelled key would be silently ignored.
struct ConfigurationFile {
  private(set) var values: [String: [String]] = [:]
  private(set) var lines: [String: Int] = [:]
  private(set) var problems: [ConfigurationProblem] = []
  let path: String

  /// More than any file that a person writes; a wrong path such as `/dev/zero` ends here.
  private static var bytesMax: Int { 1 << 20 }

  init(path: String) {
    self.path = path
    do throws(ReadFailure) {
      try read(try Self.text(of: path))
    } catch {
      problems.append(.at(.file(path, line: error.line), error.text))
    }
  }

  /// - Parameter text: the content of the file.
  init(path: String, text: String) {
    self.path = path
    do throws(ReadFailure) {
      try read(text)
    } catch {
      problems.append(.at(.file(path, line: error.line), error.text))
    }
  }

  func source(of key: ConfigurationKey) -> ConfigurationSource { .file(path, line: lines[key.name] ?? 1) }

  private struct ReadFailure: Error {
    var line = 1
    var text: String
  }

  private mutating func read(_ text: String) throws(ReadFailure) {
    guard let root = try Self.compose(text) else { return }
    // A file of comments only.
    if case .scalar(let scalar) = root, scalar.string.isEmpty { return }
    guard case .mapping(let mapping) = root else {
      throw ReadFailure(line: root.mark?.line ?? 1, text: "expected keys and values, such as \"listen:\"")
    }
    read(mapping, prefix: "")
  }

  private mutating func read(_ mapping: Node.Mapping, prefix: String) {
    for (key, value) in mapping {
      let name = prefix + (key.string ?? "")
      let line = key.mark?.line ?? 1
      if let known = ConfigurationTable[name] {
        read(value, of: known, line: line)
      } else if case .mapping(let inner) = value,
        ConfigurationTable.keys.contains(where: { $0.name.hasPrefix(name + ".") })
      {
        read(inner, prefix: name + ".")
      } else {
        problems.append(.unknownKey(name, at: .file(path, line: line)))
      }
    }
  }

  private mutating func read(_ value: Node, of key: ConfigurationKey, line: Int) {
    // Yams refuses a key that is twice in one mapping; "listen.port" and "listen: {port: …}" are two mappings.
    if let other = lines[key.name] {
      problems.append(
        .at(.file(path, line: line), "\(key.name) is already set in line \(other), expected each key once"))
      return
    }
    lines[key.name] = line
    switch value {
    case .scalar(let scalar): values[key.name] = [scalar.string]
    case .sequence(let sequence) where key.takesSeveral && sequence.allSatisfy { $0.scalar != nil }:
      values[key.name] = sequence.map { $0.scalar?.string ?? "" }
    case .sequence: problems.append(.value(["a list"], of: key, at: .file(path, line: line)))
    case .mapping: problems.append(.value(["a mapping"], of: key, at: .file(path, line: line)))
    case .alias: problems.append(.value(["an alias"], of: key, at: .file(path, line: line)))
    }
  }

  private static func compose(_ text: String) throws(ReadFailure) -> Node? {
    do {
      return try Yams.compose(yaml: text)
    } catch YamlError.duplicatedKeysInMapping(let names, let context) {
      throw ReadFailure(
        line: context.mark.line, text: "\(names.joined(separator: ", ")) is set more than once, expected each key once")
    } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
      YamlError.composer(_, let problem, let mark, _)
    {
      throw ReadFailure(line: mark.line, text: "this is neither YAML nor JSON: \(problem)")
    } catch {
      throw ReadFailure(text: "this is neither YAML nor JSON")
    }
  }

  private static func text(of path: String) throws(ReadFailure) -> String {
    guard let stream = fopen(path, "r") else {
      throw ReadFailure(text: "the file cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { fclose(stream) }
    var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
    let count = fread(&bytes, 1, bytes.count, stream)
    guard ferror(stream) == 0 else { throw ReadFailure(text: "the file cannot be read: it is no regular file") }
    guard count <= bytesMax else { throw ReadFailure(text: "the file is longer than \(bytesMax) bytes") }
    guard let text = String(validating: bytes.prefix(count), as: UTF8.self) else {
      throw ReadFailure(text: "the file is not UTF-8")
    }
    return text
  }
}
