import CasebusTransport

/// How many connections fit into the open files of this process: each takes one.
package struct FileBudget: Sendable {
  /// Files reserved for the journal, certificates and accepted connections that are not refused yet (`filesReserved` of
  /// `registry/limits.json`).
  package static var reserved: Int { 160 }
  /// Each event loop has a few of its own, and the journal has a reading connection for each.
  private static var perEventLoop: Int { 8 }

  /// The system's limit.
  package let filesMax: Int
  /// The rest for connections.
  package let connectionsMax: Int

  package init(filesMax: Int, eventLoops: Int) {
    self.filesMax = filesMax
    connectionsMax = max(1, filesMax - Self.reserved - eventLoops * Self.perEventLoop)
  }
}

extension BrokerServerConfiguration {
  /// Lowers `connectionsMax` to what the files allow.
  /// - Parameters:
  ///   - wanted: the requested numbers of connections or sessions, by the names of their options.
  ///   - budget: nil if files are not limited.
  /// - Returns: the warnings about numbers that do not fit.
  package mutating func fit(_ wanted: [(option: String, count: Int)], into budget: FileBudget?) -> [String] {
    guard let budget else { return [] }
    connection.connectionsMax = min(connection.connectionsMax, budget.connectionsMax)
    return wanted.filter { $0.count > budget.connectionsMax }.map {
      """
      \($0.option) is \($0.count), but there is room for \(budget.connectionsMax) connections: this process may have \
      \(budget.filesMax) files open. Raise that limit (ulimit -n, LimitNOFILE= of systemd) or lower \($0.option)
      """
    }
  }
}
