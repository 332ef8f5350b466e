import CasebusProtocol

extension RequestBehavior {
  /// Protocol §10.9.
  static let messenger: [Identifier: RequestBehavior] = [
    "messenger.broadcastMessage": .broadcast { (channel: $0.channel(0), message: $0.value(1)) }
  ]
}
