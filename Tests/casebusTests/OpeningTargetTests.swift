import CasebusProtocol
import CasebusTestSupport
import CasebusWebSocket
import Testing

@testable import CasebusServer

/// `Protocol/vectors/targets.json`, each of them.
@Suite struct OpeningTargetTests {
  static let vectors: [JSONValue] = try! ProtocolFile.json("vectors/targets.json").arrayValue!

  @Test(arguments: vectors) func targetAsksForWhatTheVectorSays(_ vector: JSONValue) throws {
    let target = try #require(vector["target"]?.stringValue)
    let asked: String
    do throws(AdmissionRefusal) {
      asked = try OpeningTarget(OpeningRequest(method: "GET", target: target, headers: [])).scope.description
    } catch {
      #expect(vector["status"] == .number(JSONNumber(error.status)), "\(target): \(error.message)")
      #expect(!error.message.contains("\n"))
      return
    }
    #expect(vector["workspace"]?.stringValue == asked, "\(target)")
  }
}
