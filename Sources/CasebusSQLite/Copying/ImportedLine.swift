import CasebusProtocol
import struct NIOCore.ByteBuffer

/// The fault of a line.
struct ImportedLineError: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }
}

/// One line of an export, member by member.
struct ImportedLine {
  let type: String
  private let members: JSONObject

  init(_ line: ByteBuffer) throws {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: line, limits: .journaled)
    } catch {
      throw ImportedLineError("it is not JSON: \(error)")
    }
    guard let members = value.objectValue else { throw ImportedLineError("it is not a JSON object") }
    self.members = members
    guard let type = members["type"]?.stringValue else { throw ImportedLineError("it has no type") }
    self.type = type
  }

  func value(_ name: String) throws -> JSONValue {
    guard let value = members[name] else { throw ImportedLineError("its \(name) is missing") }
    return value
  }

  func optionalValue(_ name: String) -> JSONValue? { members[name] }

  func text(_ name: String) throws -> String {
    let value = try value(name)
    guard let text = value.stringValue else { throw wrong(name, value, "a text") }
    return text
  }

  func optionalText(_ name: String) throws -> String? {
    members[name] == nil ? nil : try text(name)
  }

  func integer(_ name: String) throws -> Int64 {
    let value = try value(name)
    guard case .number(let number) = value, let integer = number.integer else { throw wrong(name, value, "an integer") }
    return Int64(integer)
  }

  func optionalInteger(_ name: String) throws -> Int64? {
    members[name] == nil ? nil : try integer(name)
  }

  func offset(_ name: String) throws -> UInt64 {
    let integer = try integer(name)
    guard (0...RecordID.offsetMax).contains(integer) else {
      throw ImportedLineError("its \(name) is \(integer), expected 0 to \(RecordID.offsetMax)")
    }
    return UInt64(integer)
  }

  /// Exports of older versions do not have it.
  /// - Parameter max: the limit of this journal.
  func generation(max: Int64 = StreamEpoch.generationMax) throws -> Int64 {
    let generation = try optionalInteger("generation") ?? 0
    guard (0...max).contains(generation) else {
      throw ImportedLineError("its generation is \(generation), expected 0 to \(max)")
    }
    return generation
  }

  func workspace(_ name: String = "workspace") throws -> WorkspaceID {
    let text = try text(name)
    guard let workspace = WorkspaceID(text) else {
      throw ImportedLineError("its \(name) is \"\(text)\", expected 1 to 64 of A-Z a-z 0-9 . _ -")
    }
    return workspace
  }

  /// A member as its JSON text.
  func json(_ name: String) throws -> ByteBuffer {
    var buffer = ByteBuffer()
    buffer.writeJSON(try value(name))
    return buffer
  }

  private func wrong(_ name: String, _ value: JSONValue, _ expected: String) -> ImportedLineError {
    ImportedLineError("its \(name) is \(value.jsonText.prefix(100)), expected \(expected)")
  }
}
