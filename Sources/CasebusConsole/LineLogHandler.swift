package import Logging
import Synchronization

/// The log level of a process, which can change while it runs. All copies of its loggers follow.
package final class ProcessLogLevel: Sendable {
  private let level: Mutex<Logger.Level>

  package init(_ level: Logger.Level) {
    self.level = Mutex(level)
  }

  package var current: Logger.Level {
    get { level.withLock(\.self) }
    set { level.withLock { $0 = newValue } }
  }
}

/// Writes each log entry as one line: a text from a peer can neither begin another line nor look like another field.
///
/// This is the only place where texts from outside (close reasons, names in certificates, paths) are escaped; callers
/// need not do it.
package struct LineLogHandler: LogHandler {
  private var inner: any LogHandler
  /// nil: each copy of a logger has its own level.
  private let level: ProcessLogLevel?

  package init(_ inner: any LogHandler, level: ProcessLogLevel? = nil) {
    self.inner = inner
    self.level = level
  }

  package var logLevel: Logger.Level {
    get { level?.current ?? inner.logLevel }
    set { if let level { level.current = newValue } else { inner.logLevel = newValue } }
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
  /// - Parameter level: what decides which lines are written; nil for the level of each logger.
  package static func standardError(level: ProcessLogLevel? = nil) -> Logger {
    Logger(label: "casebus", factory: { LineLogHandler(StreamLogHandler.standardError(label: $0), level: level) })
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
