/// Why a configuration cannot be used: the file or setting, and its fault.
public struct TLSConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name of the file, or of the setting with its value.
  public var subject: String
  /// For people.
  public var reason: String

  public init(_ subject: String, _ reason: String) {
    self.subject = subject
    self.reason = reason
  }

  /// A call to OpenSSL failed; takes the reasons from the error queue.
  static func openSSL(_ subject: String, _ what: String? = nil) -> TLSConfigurationError {
    let text = OpenSSLErrors.take().text
    return TLSConfigurationError(subject, what.map { "\($0): \(text)" } ?? text)
  }

  public var description: String { "\(subject): \(reason)" }
}
