package import CasebusProtocol

/// Relays an event of a namespace for which the broker has no state.
package struct RelayCommand: Hashable, Sendable {
  package var name: EventName
  package var data: PublishedData

  func decide() -> [WorkspaceEvent] { [.relayed(RelayedEvent(name: name, data: data))] }
}

extension Command {
  package static func relay(_ name: EventName, data: PublishedData) -> Command {
    .relay(RelayCommand(name: name, data: data))
  }
}
