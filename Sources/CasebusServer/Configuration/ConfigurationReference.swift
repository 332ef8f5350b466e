/// The pages that are made from the table.
package enum ConfigurationReference {
  /// Docs/reference/configuration.md.
  package static var markdown: String {
    let sections = self.sections.map { section, keys in
      """
      ## \(section)
      | key | values | default | meaning |
      |---|---|---|---|
      \(keys.map(row).joined(separator: "\n"))
      """
    }
    return ([intro] + sections).joined(separator: "\n\n") + "\n"
  }

  /// A YAML file with every key and its default.
  package static var example: String {
    let sections = self.sections.map { section, keys in
      "\(section):\n" + keys.map(entry).joined(separator: "\n")
    }
    let head = "# Every key of casebus serve with its default. Check a file with: casebus config check FILE\n"
    return head + sections.joined(separator: "\n\n") + "\n"
  }

  private static var sections: [(Substring, [ConfigurationKey])] {
    let grouped = Dictionary(grouping: ConfigurationTable.keys, by: \.section)
    return grouped.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private static let intro = """
    # Configuration

    Made by `casebus config reference`. Precedence: option of `casebus serve`, environment variable, configuration file
    (`--config FILE` or `CASEBUS_CONFIG`; YAML or JSON), default.

    - The environment variable of a key is `CASEBUS_` and the key in capitals with `_`: `listen.port` is
      `CASEBUS_LISTEN_PORT`. Several files are separated by commas there.
    - In a file `listen.port: 8080` and `port: 8080` below `listen:` are the same.
    - An unknown key or variable, a key that is set twice, and a bad value stop the start. `casebus config check FILE` lists
      all errors of a file.
    - `SIGHUP` reloads the file and the certificates, all or nothing. Only keys marked "reloaded" change; the log names
      others that have changed and need a restart.
    - Secrets are in files, which must not be readable by everybody.
    """

  private static func row(_ key: ConfigurationKey) -> String {
    let flag = key.flag.map { "<br>`\($0)`" } ?? ""
    let marks = [key.isReloadable ? "Reloaded." : nil, key.isSecret ? "Secret." : nil].compactMap(\.self)
    let meaning = ([key.meaning] + marks).joined(separator: " ")
    let value = key.defaultValues.isEmpty ? key.absence ?? "" : "`\(key.defaultValues.joined(separator: ","))`"
    return "| `\(key.name)`\(flag) | \(key.expectation) | \(value) | \(meaning) |"
  }

  private static func entry(_ key: ConfigurationKey) -> String {
    let name = key.name.dropFirst(key.section.count + 1)
    let values = key.defaultValues
    let line = values.isEmpty ? "# \(name):    (\(key.absence ?? ""))" : "\(name): \(scalar(values[0]))"
    return "  # \(key.meaning) Expected: \(key.expectation).\n  \(line)"
  }

  /// Plain where YAML reads it as the same text.
  private static func scalar(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "+"):
        true
      case _: false
      }
    }
    return isPlain ? text : text.debugDescription
  }
}
