import CasebusJournal
import CasebusProtocol
import CasebusWorkspace
import Logging
import NIOCore

/// Reading from the journal what a durable consumer was not there for.
extension WorkspaceHost {
  private static var readBytesMax: Int { 1 << 20 }
  /// A journal that failed is not asked again at once.
  private static var retryPause: TimeAmount { .seconds(1) }

  func read(_ read: ConsumerQueue.Read, for key: JournalConsumer.Key) {
    let port = loop.port
    let id = id
    do throws(JournalError) {
      let replay = try loop.journal.replay(id, after: read.after)
      replay.read(after: read.after, limit: read.limit, bytesMax: Self.readBytesMax) { result in
        port.execute { $0.hosts[id]?.pageRead(result, for: key) }
      }
    } catch {
      port.execute { $0.hosts[id]?.pageRead(.failure(error), for: key) }
    }
  }

  private func pageRead(_ result: Result<[JournalRecord], JournalError>, for key: JournalConsumer.Key) {
    guard let names = consumers.queues[key]?.names else { return }
    switch result {
    case .success(let records):
      let records = records.map { ConsumerRecord($0, isWanted: names.contains($0.event)) }
      tell(key) { $0.recordsRead(records, at: $1) }
    case .failure(.pruned(let first)):
      logLost(before: first, of: key)
      tell(key) { $0.recordsPruned(before: first, at: $1) }
    case .failure:
      consumers.update(key) { $0.readFailed() }
      retry(key)
    }
    leaveIfIdle()
  }

  private func retry(_ key: JournalConsumer.Key) {
    loop.port.eventLoop.assumeIsolated().scheduleTask(in: Self.retryPause) { [weak self] in self?.serve(key) }
  }

  /// Reads a parked record.
  func readAgain(_ offset: JournalOffset, for key: JournalConsumer.Key) {
    let port = loop.port
    let id = id
    do throws(JournalError) {
      let replay = try loop.journal.replay(id, after: offset - 1)
      replay.read(after: offset - 1, limit: 1, bytesMax: Self.readBytesMax) { result in
        port.execute { $0.hosts[id]?.recordRead(result, for: key) }
      }
    } catch {
      port.execute { $0.hosts[id]?.recordRead(.failure(error), for: key) }
    }
  }

  private func recordRead(_ result: Result<[JournalRecord], JournalError>, for key: JournalConsumer.Key) {
    guard consumers.queues[key] != nil else { return }
    switch result {
    case .success(let records):
      let record = records.first.map { ConsumerRecord($0, isWanted: true) }
      tell(key) { $0.recordReadAgain(record, at: $1) }
    case .failure(.pruned): tell(key) { $0.recordReadAgain(nil, at: $1) }
    case .failure:
      consumers.update(key) { $0.readAgainFailed() }
      retry(key)
    }
    leaveIfIdle()
  }

  private func logLost(before first: JournalOffset, of key: JournalConsumer.Key) {
    loop.logger.warning(
      "a durable consumer goes on behind events that are no longer kept",
      metadata: [
        "consumer": "\(key.name)", "workspace": "\(id)", "position": "\(consumers.queues[key]?.position ?? 0)",
        "oldest": "\(first)",
      ])
  }
}

extension ConsumerRecord {
  /// A record as it was kept. What is not wanted is not looked into.
  fileprivate init(_ record: JournalRecord, isWanted: Bool) {
    let event = isWanted ? try? WorkspaceEvent(record) : nil
    self.init(record: record, key: event?.key)
  }
}
