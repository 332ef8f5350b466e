import CasebusProtocol

extension RequestBehavior {
  /// Protocol §10.11 to §10.14.
  static let consumer: [Identifier: RequestBehavior] = [
    "consumer.list": .control { _ in .list },
    "consumer.get": .control { .get($0.consumerName(0)) },
    "consumer.delete": .control { .delete($0.consumerName(0)) },
    "consumer.redeliver": .control { .redeliver($0.consumerName(0), $0.parkedChoice(1)) },
  ]
}
