import CasebusAccess
import CasebusProtocol
import NIOEmbedded
import Testing

@testable import CasebusBroker

/// Messages for workspaces of other loops are gathered, those for the own loop are not.
@Suite struct WorkspaceRouterTests {
  private let loops = LoopDirectory(TestLoops(count: 3))

  /// Some workspaces of each loop.
  private var workspaces: [[WorkspaceID]] {
    let all = (0..<100).map { WorkspaceID("w\($0)")! }
    return (0..<3).map { loop in all.filter { loops.host(of: $0).index == loop } }
  }

  private func attach(_ number: UInt64) -> HostMessage { .attach(SessionKey(loop: 0, number: number), .anonymous) }

  private func numbers(_ letters: [WorkspaceRouter.Letter]) -> [UInt64] {
    letters.map { letter in
      guard case .attach(let session, _) = letter.message else { return 0 }
      return session.number
    }
  }

  @Test func messageForTheOwnLoopIsNotGathered() {
    var router = WorkspaceRouter(loops, own: 1)
    let isGathered = router.gather(attach(1), for: workspaces[1][0])
    #expect(!isGathered && !router.hasLetters && router.isOwn(workspaces[1][0]) && !router.isOwn(workspaces[0][0]))
  }

  @Test func eachLoopGetsItsLettersInOrderAndOnce() {
    var router = WorkspaceRouter(loops, own: 1)
    let (first, third) = (workspaces[0], workspaces[2])
    for (number, workspace) in [first[0], third[0], first[1], first[0], third[1]].enumerated() {
      let isGathered = router.gather(attach(UInt64(number + 1)), for: workspace)
      #expect(isGathered)
    }
    let taken = router.take()
    #expect(taken.map(\.loop.index) == [0, 2])
    #expect(taken.map { numbers($0.letters) } == [[1, 3, 4], [2, 5]])
    #expect(taken[0].letters.map(\.workspace) == [first[0], first[1], first[0]])
    let again = router.take()
    #expect(again.isEmpty && !router.hasLetters)
  }
}
