public import struct NIOCore.ByteBuffer

extension ByteBuffer {
  /// Appends an interaction as JSON: attributes in the order of Protocol §6.1, without absent ones.
  public mutating func writeJSON(_ interaction: Interaction) {
    beginJSONObject()
    writeJSONMember("interactionId", interaction.interactionID.text)
    writeJSONMember("parentInteractionId", interaction.parentInteractionID?.text)
    writeJSONMember("caseId", interaction.caseID.text)
    writeJSONMember("userData", interaction.userData)
    writeJSONMember("state", interaction.state.rawValue)
    writeJSONMember("previousState", interaction.previousState?.rawValue)
    writeJSONMember("parties") { $0.writeJSON(interaction.parties) }
    writeJSONMember("isConsultation", interaction.isConsultation)
    writeJSONMember("isMainCaseInteraction", interaction.isMainCaseInteraction)
    writeVoiceMembers(of: interaction)
    writeJSONMember("isCaseSelected", interaction.isCaseSelected)
    writeJSONMember("isCaseExpanded", interaction.isCaseExpanded)
    writeJSONMember("interactionUUID", interaction.interactionUUID ?? interaction.callUUID)
    writeJSONMember("media", interaction.media)
    endJSONObject()
  }

  private mutating func writeVoiceMembers(of interaction: Interaction) {
    writeJSONMember("callUuid", interaction.callUUID)
    writeJSONMember("direction", interaction.direction?.rawValue)
    writeJSONMember("callType", interaction.callType?.rawValue)
    writeJSONMember("ani", interaction.ani)
    writeJSONMember("dnis", interaction.dnis)
    writeJSONMember("recordingState", interaction.recordingState?.rawValue)
  }

  private mutating func writeJSON(_ parties: [Party]) {
    writeJSONArray(parties) { buffer, party in
      buffer.beginJSONObject()
      buffer.writeJSONMember("name", party.name)
      buffer.endJSONObject()
    }
  }
}
