import CasebusJournal

extension EventJournal {
  /// So many consumers are read in one call: between the calls the journal serves others.
  private static var consumersPerRead: Int { 50 }

  /// Reads the backlogs of many consumers, some in each call. A consumer that was deleted is missing in the result.
  func readBacklogs(
    of consumers: [JournalConsumer.Key],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    readBacklogs(of: consumers[...], [:], completion: completion)
  }

  private func readBacklogs(
    of rest: ArraySlice<JournalConsumer.Key>, _ known: [JournalConsumer.Key: [JournalBacklog]],
    completion: @escaping @Sendable (Result<[JournalConsumer.Key: [JournalBacklog]], JournalError>) -> Void
  ) {
    guard !rest.isEmpty else { return completion(.success(known)) }
    backlogs(of: Array(rest.prefix(Self.consumersPerRead))) { result in
      switch result {
      case .failure(let error): completion(.failure(error))
      case .success(let page):
        let backlogs = known.merging(page) { _, new in new }
        readBacklogs(of: rest.dropFirst(Self.consumersPerRead), backlogs, completion: completion)
      }
    }
  }
}
