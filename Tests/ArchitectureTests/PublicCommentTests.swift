import Foundation
import Testing

/// Everything that the library products offer says what it means.
@Suite struct PublicCommentTests {
  private static let products = ["CasebusProtocol", "CasebusClient"]

  /// Declarations that a protocol of the standard library asks for, which documents them.
  private static let conformances = [
    "var description", "var debugDescription", "static func ==", "static func <", "func hash(into", "init(from ",
    "func encode(to ", "init(stringLiteral", "init(booleanLiteral", "init(integerLiteral", "init(arrayLiteral",
    "init(nilLiteral", "init(dictionaryLiteral", "func makeIterator(", "func makeAsyncIterator(", "typealias Element",
    "typealias Failure",
  ]

  @Test func everyPublicDeclarationHasADocComment() throws {
    var documented = 0
    for file in try Self.products.flatMap(Self.files(of:)) {
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      for (index, line) in lines.enumerated() where Self.needsComment(line) {
        let above = lines[..<index].last { !$0.hasPrefix("@") } ?? ""
        #expect(above.hasPrefix("///"), "\(file.lastPathComponent):\(index + 1): \(line)")
        documented += 1
      }
    }
    #expect(documented > 150)
  }

  @Test(arguments: [
    ("public struct Party: Hashable {", true), ("@inlinable public func size() -> Int {", true),
    ("public var description: String { text }", false), ("public import NIOCore", false),
    ("package init(text: String) {", false), ("/// Nothing public is said here.", false),
  ])
  func aDeclarationIsRecognized(_ line: String, needsComment: Bool) {
    #expect(Self.needsComment(line) == needsComment)
  }

  private static func needsComment(_ line: String) -> Bool {
    let words = line.split(separator: " ").drop { $0.hasPrefix("@") }
    guard words.first == "public", !["import", "extension"].contains(words.dropFirst().first) else { return false }
    let declaration = words.dropFirst().joined(separator: " ")
    return !conformances.contains { declaration.hasPrefix($0) }
  }

  private static func files(of target: String) throws -> [URL] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Sources/\(target)").standardizedFileURL
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
    return names.map { folder.appending(path: $0) }
  }
}
