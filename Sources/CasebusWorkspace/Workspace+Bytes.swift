import CasebusProtocol

/// How large the state is, kept with every change, so that no command has to look at all of it (Protocol §6.7).
///
/// Cases need no count of their own: the ids of those that are expanded or selected stand in the interactions.
extension Workspace {
  /// How large the interactions and blocks are, as JSON (`workspaceBytesMax`).
  package var byteCount: Int { recordBytes + blockBook.byteCount }
}

/// What makes something smaller is always taken: a state that was kept under greater limits is not a dead end.
extension Workspace {
  func checkSize(of interaction: Interaction, replacing record: InteractionRecord?) throws(Failure) {
    let (old, new) = (record?.byteCount ?? 0, InteractionRecord.byteCount(of: interaction))
    guard new > old else { return }
    guard new <= rules.interactionBytesMax else {
      throw Failure(
        .limitExceeded,
        "interaction \"\(interaction.interactionID)\" would have \(new) bytes, "
          + "allowed are \(rules.interactionBytesMax) (interactionBytesMax)")
    }
    // It leaves with its terminal state.
    if !StateRule.of(interaction.state).isTerminal { try checkRoom(forBytes: new - old) }
  }

  func checkSize(of block: MarkdoneBlock) throws(Failure) {
    let old = blockBook.block(of: block.blocker, on: block.interactionID)
    try checkRoom(forBytes: block.byteCount - (old?.byteCount ?? 0))
  }

  func checkSize(ofUserData userData: JSONObjectText, replacing old: JSONObjectText) throws(Failure) {
    guard userData.byteCount > rules.userDataBytesMax, userData.byteCount > old.byteCount else { return }
    throw Failure(
      .limitExceeded,
      "the user data would have \(userData.byteCount) bytes, allowed are \(rules.userDataBytesMax) (userDataBytesMax)")
  }

  private func checkRoom(forBytes growth: Int) throws(Failure) {
    guard growth > 0, byteCount + growth > rules.workspaceBytesMax else { return }
    throw Failure(
      .limitExceeded,
      "the workspace would have \(byteCount + growth) bytes, allowed are \(rules.workspaceBytesMax) (workspaceBytesMax)"
    )
  }
}

extension InteractionRecord {
  /// As an element of an array.
  static func byteCount(of interaction: Interaction) -> Int { interaction.jsonBytesMax + 1 }
}

extension MarkdoneBlock {
  /// How long this is as JSON in a snapshot, about: its numbers count with their longest values.
  var byteCount: Int {
    let id =
      switch blocker {
      case .client(let id), .session(let id): id
      }
    return Self.fixedBytes + interactionID.text.jsonByteCount + id.text.jsonByteCount + warningMessage.jsonByteCount
  }

  private static let fixedBytes = #"{"interactionId":,"session":,"warningMessage":,"deadline":-9223372036854775808},"#
    .utf8.count
}
