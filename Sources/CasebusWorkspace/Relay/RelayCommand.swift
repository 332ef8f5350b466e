package import CasebusProtocol

/// An event of a namespace of which the broker keeps no state is to be passed on.
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
