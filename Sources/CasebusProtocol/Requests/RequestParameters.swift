/// The positional parameters of a request while they are checked; every failure names the parameter.
struct RequestParameters {
  let request: String
  let values: [JSONValue]

  func string(_ index: Int, named name: StaticString) throws(Failure) -> String {
    guard let text = values[index].stringValue else { throw wrongKind(index, name, expected: "a string") }
    return text
  }

  func identifier(_ index: Int, named name: StaticString) throws(Failure) -> Identifier {
    Identifier(try string(index, named: name))
  }

  func object(_ index: Int, named name: StaticString) throws(Failure) -> JSONObject {
    guard let object = values[index].objectValue else { throw wrongKind(index, name, expected: "an object") }
    return object
  }

  func channel(_ index: Int, named name: StaticString) throws(Failure) -> EventName {
    guard let event = EventName(channel: try string(index, named: name)) else {
      throw wrongKind(index, name, expected: "a channel name of 1 to 128 bytes without control characters")
    }
    return event
  }

  func consumer(_ index: Int, named name: StaticString) throws(Failure) -> ConsumerName {
    guard let consumer = ConsumerName(try string(index, named: name)) else {
      throw wrongKind(index, name, expected: "the name of a durable consumer, 1 to 64 of A-Z a-z 0-9 . _ -")
    }
    return consumer
  }

  func parkedChoice(_ index: Int, named name: StaticString) throws(Failure) -> ParkedChoice {
    let value = try object(index, named: name)
    do throws(Failure) {
      return try ParkedChoice(value)
    } catch {
      throw Failure(.invalidParameters, "\(request): parameter \(index + 1) (\(name)): \(error.message)")
    }
  }

  func expect(_ names: StaticString...) throws(Failure) {
    guard values.count != names.count else { return }
    let expected = names.isEmpty ? "none" : names.map { "\($0)" }.joined(separator: ", ")
    throw Failure(.invalidParameters, "\(request) got \(values.count) parameters, expected \(expected)")
  }

  private func wrongKind(_ index: Int, _ name: StaticString, expected: String) -> Failure {
    Failure(
      .invalidParameters, "\(request): parameter \(index + 1) (\(name)) is \(values[index].kind), expected \(expected)")
  }
}
