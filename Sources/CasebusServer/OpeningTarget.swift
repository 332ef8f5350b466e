import CasebusProtocol
import CasebusWebSocket

/// The scope that the target of an opening handshake requests (Protocol §2.1, §2.2).
struct OpeningTarget: Hashable {
  static let path = "/v2"
  private static let workspaceParameter = "workspace"

  let scope: WorkspaceScope

  /// - Throws: the fault of the target.
  init(_ request: OpeningRequest) throws(AdmissionRefusal) {
    guard request.path.utf8.elementsEqual(Self.path.utf8) else {
      throw AdmissionRefusal(
        .notFound, "there is nothing at \(Self.quoted(request.path)), WebSocket connections go to \(Self.path)")
    }
    scope = try Self.scope(of: Self.workspaces(in: request.query ?? ""))
  }

  private static func scope(of values: [QueryText]) throws(AdmissionRefusal) -> WorkspaceScope {
    guard values.count <= 1 else {
      throw AdmissionRefusal(
        .badRequest, "workspace is given \(values.count) times, expected it once at most")
    }
    let value = values.first
    guard value?.isValid != false, let scope = WorkspaceScope(queryValue: value?.text) else {
      throw AdmissionRefusal(
        .badRequest,
        "workspace is \(quoted(value?.text ?? "")), expected 1 to 64 of A-Z a-z 0-9 . _ - or * for all workspaces")
    }
    return scope
  }

  /// The values of the only known parameter. Other parameters are ignored, except those that are probably a misspelling
  /// of it.
  private static func workspaces(in query: String) throws(AdmissionRefusal) -> [QueryText] {
    var values: [QueryText] = []
    for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let name = QueryText(parts[0])
      guard name.isWorkspaceInSomeCase else { continue }
      guard name.text.utf8.elementsEqual(workspaceParameter.utf8) else {
        throw AdmissionRefusal(
          .badRequest, "there is no parameter \(quoted(name.text)), expected workspace")
      }
      values.append(QueryText(parts.count > 1 ? parts[1] : parts[0][parts[0].endIndex...]))
    }
    return values
  }

  /// A text from a client, on one line and without control characters.
  private static func quoted(_ text: String) -> String { JSONValue.string(text).jsonText }
}

/// A name or a value of a query, percent-decoded once (RFC 3986 §2.1).
private struct QueryText {
  /// Whether two hexadecimal digits follow every `%` and the bytes are UTF-8.
  let isValid: Bool
  /// The decoded text; if it is not valid, the text as it was sent.
  let text: String

  init(_ encoded: Substring.UTF8View) {
    let text = Self.decoded(encoded).flatMap { String(validating: $0, as: UTF8.self) }
    isValid = text != nil
    self.text = text ?? String(decoding: encoded, as: UTF8.self)
  }

  /// nil if a `%` is not followed by two hexadecimal digits.
  private static func decoded(_ encoded: Substring.UTF8View) -> [UInt8]? {
    var bytes: [UInt8] = []
    var rest = encoded
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else { return nil }
      bytes.append(high << 4 | low)
    }
    return bytes
  }

  /// Compared by bytes: texts from outside are not normalized.
  fileprivate var isWorkspaceInSomeCase: Bool {
    text.utf8.count == "workspace".utf8.count && text.lowercased().utf8.elementsEqual("workspace".utf8)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
  }
}
