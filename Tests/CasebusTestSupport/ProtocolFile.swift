public import CasebusProtocol
import FoundationEssentials

/// The files of `Protocol/`, the law that the sources are tested against.
public enum ProtocolFile {
  /// The root of the repository.
  public static var root: String {
    #filePath.components(separatedBy: "/Tests/")[0]
  }

  /// A JSON file below `Protocol/`, number texts kept.
  public static func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: text("\(root)/Protocol/\(path)"), limits: JSONLimits(depthMax: 128, keysMax: .max))
  }

  /// The names of the files in a folder below `Protocol/`, sorted.
  public static func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(root)/Protocol/\(folder)").sorted()
  }

  /// Any file of the repository as text.
  public static func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
  }
}
