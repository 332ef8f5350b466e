import CasebusServer
import CasebusTransport
import Testing

@Suite struct FileBudgetTests {
  @Test(arguments: [(20_000, 2, 19_824), (1024, 2, 848), (256, 4, 64), (64, 2, 1)])
  func filesAreLeftForTheJournalAndTheEventLoops(_ files: Int, _ loops: Int, _ connections: Int) {
    #expect(FileBudget(filesMax: files, eventLoops: loops).connectionsMax == connections)
  }

  @Test func connectionsFitAndWhatDoesNotIsSaid() {
    var configuration = BrokerServerConfiguration()
    let wanted = [("--sessions-max", 800), ("--connections-max", 30_000)]
    let remarks = configuration.fit(wanted, into: FileBudget(filesMax: 1024, eventLoops: 2))
    #expect(configuration.connection.connectionsMax == 848)
    #expect(remarks.count == 1)
    #expect(remarks[0].hasPrefix("--connections-max is 30000, but there is room for 848 connections"))
  }

  @Test func unlimitedFilesChangeNothing() {
    var configuration = BrokerServerConfiguration()
    #expect(configuration.fit([("--connections-max", 1 << 40)], into: nil) == [])
    #expect(configuration.connection.connectionsMax == 25_000)
  }
}
