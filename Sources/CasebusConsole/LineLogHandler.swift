package import Logging

/// Writes each log entry as one line: a text from a peer can neither begin another line nor look like another field.
///
/// This is the only place where texts from outside (close reasons, names in certificates, paths) are escaped; callers
/// need not do it.
package struct LineLogHandler: LogHandler {
  private var inner: any LogHandler

  package init(_ inner: any LogHandler) {
    self.inner = inner
  }

  package var logLevel: Logger.Level {
    get { inner.logLevel }
    set { inner.logLevel = newValue }
  }

  package var metadata: Logger.Metadata {
    get { inner.metadata }
    set { inner.metadata = newValue.mapValues(LogText.value) }
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { inner[metadataKey: key] }
    set { inner[metadataKey: key] = newValue.map(LogText.value) }
  }

  package func log(event: LogEvent) {
    var event = event
    event.message = "\(LogText.escaped(event.message.description))"
    event.metadata = event.metadata?.mapValues(LogText.value)
    if let error = event.error {
      event.metadata = (event.metadata ?? [:]).merging(["error": LogText.value("\(error)")]) { old, _ in old }
      event.error = nil
    }
    inner.log(event: event)
  }
}

extension Logger {
  /// Lines on standard error.
  package static func standardError() -> Logger {
    Logger(label: "casebus", factory: { LineLogHandler(StreamLogHandler.standardError(label: $0)) })
  }
}

/// Escaping of texts for a log.
enum LogText {
  /// Escaped; in quotation marks if it could look like more than one field.
  static func value(_ value: Logger.Metadata.Value) -> Logger.Metadata.Value {
    let text = "\(value)"
    let couldPassForMore =
      text.utf8.contains(UInt8(ascii: "\"")) || text.utf8.contains(UInt8(ascii: "\\"))
      || (text.utf8.contains(UInt8(ascii: " "))
        && text.utf8.contains { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "[") })
    return .string(couldPassForMore ? "\"\(escaped(text, isQuoted: true))\"" : escaped(text))
  }

  /// Without control characters, and without characters that change how the rest of a line is shown, such as U+202E.
  static func escaped(_ text: String, isQuoted: Bool = false) -> String {
    guard text.unicodeScalars.contains(where: { mustBeEscaped($0, isQuoted) }) else { return text }
    return text.unicodeScalars.reduce(into: "") { escaped, scalar in
      escaped += mustBeEscaped(scalar, isQuoted) ? escape(scalar) : String(scalar)
    }
  }

  private static func mustBeEscaped(_ scalar: Unicode.Scalar, _ isQuoted: Bool) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
    case _: isQuoted && (scalar == "\"" || scalar == "\\")
    }
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\"", "\\": "\\\(scalar)"
    case _: "\\u{\(String(scalar.value, radix: 16))}"
    }
  }
}
