import CasebusProtocol

extension StateRule {
  static let table: [InteractionState: StateRule] = Dictionary(
    uniqueKeysWithValues: (voice + previews + openMedia + any).map { ($0.state, $0) })

  private static let voice: [StateRule] = [
    active(.ringing, next: [.talking, .idle]),
    active(.dialing, next: [.talking, .idle]),
    active(.talking, next: [.held, .idle]),
    active(.held, next: [.talking, .idle]),
    StateRule(state: .idle, isInitial: true, allowsMarkdone: true, next: reachable([.completed])),
  ]

  private static let previews: [StateRule] = [
    active(.preview, next: [.ready, .dialing, .canceled, .rejected]),
    active(.ready, next: [.dialing, .canceled, .rejected]),
    terminal(.canceled),
    terminal(.rejected),
  ]

  private static let openMedia: [StateRule] = [
    active(.invited, next: [.accepted, .revoked]),
    active(.invitedConference, next: [.accepted, .joinPending, .revoked, .leftConference]),
    closable(.created, next: [.accepted, .saved, .sent, .cancelled, .transferring, .revoked, .idle]),
    closable(.pulled, next: [.accepted, .saved, .sent, .cancelled, .transferring, .revoked, .idle]),
    closable(
      .accepted,
      next: [
        .joinPending, .historyInProgress, .historyDone, .saved, .sent, .cancelled, .transferring, .leftConference,
        .revoked, .idle,
      ]),
    active(.joinPending, next: [.historyInProgress, .historyDone, .joinFailed, .revoked, .idle]),
    closable(.joinFailed, next: [.joinPending, .revoked, .idle]),
    active(.historyInProgress, next: [.historyDone, .joinFailed, .leftConference, .revoked, .idle]),
    closable(
      .historyDone,
      next: [.historyInProgress, .joinPending, .joinFailed, .transferring, .leftConference, .revoked, .idle]),
    closable(.saved, next: [.pulled, .accepted, .sent, .cancelled, .transferring, .revoked]),
    active(.transferring, next: [.transferCompleted, .accepted, .historyDone, .revoked]),
    StateRule(
      state: .leftConference, isInitial: true, allowsMarkdone: true, next: reachable([.idle, .revoked, .completed])),
    terminal(.transferCompleted),
    terminal(.revoked),
    terminal(.cancelled),
    terminal(.sent),
  ]

  private static let any: [StateRule] = [
    active(.unknown, next: Set(InteractionState.allCases).subtracting([.completed])),
    closable(.error, next: Set(InteractionState.allCases)),
    terminal(.completed),
    StateRule(state: .userDataAttached, isTransient: true),
    StateRule(state: .userDataUpdated, isTransient: true),
  ]

  /// In progress: user data can be written, but the interaction cannot be marked done yet.
  private static func active(_ state: InteractionState, next: Set<InteractionState>) -> StateRule {
    StateRule(state: state, isInitial: true, isLive: true, next: reachable(next).subtracting([state]))
  }

  /// Live, and can be marked done at any time.
  private static func closable(_ state: InteractionState, next: Set<InteractionState>) -> StateRule {
    StateRule(
      state: state, isInitial: true, allowsMarkdone: true, isLive: true,
      next: reachable(next.union([.completed])).subtracting([state]))
  }

  private static func terminal(_ state: InteractionState) -> StateRule {
    StateRule(state: state, isTerminal: true)
  }

  /// An error or a change of user data can follow every state.
  private static func reachable(_ states: Set<InteractionState>) -> Set<InteractionState> {
    states.union([.error, .unknown, .userDataAttached, .userDataUpdated])
  }
}
