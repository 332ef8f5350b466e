/// One element of Sec-WebSocket-Extensions (RFC 6455 §9.1).
struct ExtensionOffer: Equatable {
  struct Parameter: Equatable {
    var name: String
    var value: String?
  }

  var name: String
  var parameters: [Parameter]

  /// - Returns: nil when the element does not follow the grammar.
  init?(_ element: Substring) {
    let parts = HeaderText.split(element, at: ";")
    guard HeaderText.isToken(parts[0]) else { return nil }
    name = parts[0].lowercased()
    parameters = []
    for part in parts.dropFirst() {
      guard let parameter = Parameter(part) else { return nil }
      parameters.append(parameter)
    }
  }
}

extension ExtensionOffer.Parameter {
  fileprivate init?(_ text: Substring) {
    let halves = HeaderText.split(text, at: "=")
    guard HeaderText.isToken(halves[0]), halves.count <= 2 else { return nil }
    name = halves[0].lowercased()
    guard halves.count == 2 else { return }
    guard let value = HeaderText.tokenOrQuotedToken(halves[1]) else { return nil }
    self.value = value
  }
}
