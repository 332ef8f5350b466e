import CasebusProtocol

extension RequestBehavior {
  /// Protocol §10.10.
  static let system: [Identifier: RequestBehavior] = [
    "system.getAllowedServices": .inquiry { scope, _, buffer in
      buffer.writeJSONArray(RequestTable.names(on: scope)) { $0.writeJSON($1) }
    }
  ]
}
