import CasebusJournal
package import CasebusProtocol
import CasebusWorkspace
import Logging
package import NIOCore

/// One client connection as the broker sees it. Lives on one event loop and is used on it only.
///
/// What a client says is passed to its workspace and comes back from there in order: answers, subscriptions taking
/// effect, and events are all one sequence (Protocol §4.4).
package final class Session {
  /// Unique among all sessions of this broker and its predecessors.
  package let id: String
  package let scope: WorkspaceScope
  /// Whom it belongs to.
  package let origin: SessionOrigin
  let reservation: SessionReservation
  let encoding: MessageEncoding
  let key: SessionKey
  let sink: any SessionSink
  var membership: FanoutGroup.Membership?
  var subscriptions = SubscriptionSet()
  unowned let loop: BrokerLoop
  private let logger: Logger
  var intake: SessionIntake
  /// Gives it the events that it missed; live events follow when that has ended.
  var replay: SessionReplay?
  var durability = SessionDurability()
  /// Whether answers and events tell their positions.
  private(set) var wantsPositions = false
  /// Whether this is a monitor that said something for a workspace.
  var namesWorkspaces = false
  var machine: SessionMachine
  private var messagesReceived = 0
  private var isTouched = false
  private let openedAt: Timestamp

  init(
    id: String, scope: WorkspaceScope, origin: SessionOrigin, reservation: SessionReservation,
    encoding: MessageEncoding, key: SessionKey,
    sink: any SessionSink,
    loop: BrokerLoop, logger: Logger
  ) {
    self.id = id
    self.scope = scope
    self.origin = origin
    self.reservation = reservation
    self.encoding = encoding
    self.key = key
    self.sink = sink
    self.loop = loop
    intake = SessionIntake(loop.configuration)
    machine = SessionMachine(malformedMessagesMax: loop.configuration.malformedMessagesMax)
    openedAt = loop.now
    var logger = logger
    logger[metadataKey: "session"] = "\(id)"
    self.logger = logger
  }

  /// Whether its connection can still be written to.
  var isOpen: Bool { machine.isOpen }
}

// MARK: - From the connection

extension Session {
  /// The client sent a text message.
  package func textReceived(_ text: ByteBuffer) {
    guard isOpen else { return }
    messagesReceived += 1
    loop.counts.messages += 1
    do throws(MessageFailure) {
      let message = try ClientMessage(decoding: text, limits: loop.configuration.jsonLimits)
      if case .subscribe(let options) = message.content, options.wantsPositions { beginPositions() }
      accept(
        ReceivedMessage(
          content: .success(message.content), referenceID: message.referenceID, messageID: message.messageID,
          workspaceID: message.workspaceID, bytes: text.readableBytes))
    } catch {
      reject(error.failure, referenceID: error.referenceID)
    }
  }

  /// The client sent a binary message, which the protocol has no use for (Protocol §3.6).
  package func binaryReceived(byteCount: Int) {
    guard isOpen else { return }
    messagesReceived += 1
    loop.counts.messages += 1
    let failure = Failure(
      .malformedMessage, "got a binary message of \(byteCount) bytes, expected a text message with a JSON object")
    reject(failure, referenceID: nil)
  }

  /// The connection is gone, for whatever reason; says so in the log, with why, how long and how much.
  /// - Parameters:
  ///   - code: the close code of RFC 6455 §7.1.5; 1006 if there was none.
  ///   - reason: for the log.
  ///   - bytesSent: what the connection sent to the client in all.
  package func connectionClosed(code: UInt16, reason: String, bytesSent: Int) {
    guard loop.sessions[key.number] === self else { return }
    _ = machine.closed()
    endReplayWithSession()
    loop.remove(self)
    let isSlow = code == CloseCode.slowConsumer.rawValue
    if isSlow { loop.countSlowConsumer() }
    logger.log(
      level: isSlow ? .warning : .info, "session closed",
      metadata: [
        "code": "\(code)", "reason": "\(reason)", "messages": "\(messagesReceived)", "bytesSent": "\(bytesSent)",
        "milliseconds": "\(loop.now.milliseconds(since: openedAt))",
      ])
  }

  private func reject(_ failure: Failure, referenceID: ReferenceID?) {
    loop.counts.messagesRefused += 1
    accept(ReceivedMessage(content: .failure(failure), referenceID: referenceID))
    if failure.code == .malformedMessage, machine.malformedMessageReceived() { closeIfDrained() }
  }

  /// Passes a message on to where it takes its place in the order; one that cannot be read only to be answered there.
  func accept(_ message: ReceivedMessage) {
    let content: Result<ClientMessage.Content, Failure>
    switch machine.messageReceived() {
    case .hold: return hold(message)
    case .ignore: return
    case .refuse: content = .failure(Failure(.shuttingDown, "the broker is stopping, reconnect"))
    case .pass: content = refused(message).map { .failure($0) } ?? message.content
    }
    intake.messageTaken(bytes: message.bytes)
    if case .success(let content) = content, content.isControl { machine.controlMessagePassed() }
    if machine.isHolding || intake.isFull { pauseReading() }
    let caller = caller(
      message.referenceID, messageID: message.messageID, bytes: message.bytes, workspaceID: message.workspaceID)
    noteAcknowledgement(content)
    switch (scope, content) {
    case (.workspace(let workspace), _): loop.send(.said(content, caller), to: workspace)
    case (.all, .success(.acknowledge(let workspace, let offset))):
      acknowledge(workspace, upTo: offset, from: caller)
    case (.all, _):
      guard let workspace = message.workspaceID else {
        return received(Self.monitorOutcome(of: content, caller: caller))
      }
      namesWorkspaces = true
      loop.send(.saidByMonitor(content, caller), to: workspace)
    }
  }

  private func hold(_ message: ReceivedMessage) {
    intake.messageTaken()
    durability.held.append(message)
  }

  func caller(
    _ referenceID: ReferenceID?, messageID: Identifier? = nil, bytes: Int = 0, workspaceID: WorkspaceID? = nil
  ) -> Caller {
    let isMonitor = if case .all = scope { true } else { false }
    return Caller(
      session: key, principal: origin.principal, isMonitor: isMonitor, workspaceID: isMonitor ? workspaceID : nil,
      referenceID: referenceID,
      messageID: messageID, messageBytes: bytes, wantsPositions: wantsPositions && !isMonitor,
      consumer: durability.consumer)
  }

  /// Before the message that asks for it takes its place in the order, so that nothing after it is without.
  private func beginPositions() {
    guard !wantsPositions else { return }
    wantsPositions = true
    loop.countPositioned()
  }

  /// Why a message is refused before it takes its place in the order, so that it does not wait there; nil if it is not.
  private func refused(_ message: ReceivedMessage) -> Failure? {
    guard case .success(let content) = message.content else { return nil }
    if case .subscribe(let options) = content,
      let failure = SubscriptionSet.excess(of: options.names, limits: loop.configuration)
    {
      return failure
    }
    return fault(in: content, naming: message.workspaceID)
  }
}

// MARK: - To the connection

extension Session {
  /// Sends something that is for this session only, behind what its group has for it.
  func send(_ frame: TextFrame) {
    writeUnsent()
    sink.write(loop.deflater.bytes(of: frame, encoding))
    touch()
  }

  /// Gives the connection what its group has gathered for it in this tick.
  func writeUnsent() {
    guard let unsent = membership?.takeUnsent() else { return }
    sink.write(unsent)
    touch()
  }

  private func touch() {
    guard !isTouched else { return }
    isTouched = true
    loop.touch(self)
  }

  /// The tick ends; everything written in it is sent.
  func endTick() {
    isTouched = false
    sink.flush()
  }

  /// The broker is stopping.
  /// - Parameter reconnectDelayMilliseconds: when the client is advised to come back.
  func drain(reconnectDelayMilliseconds delay: Int) {
    if machine.brokerStops(reconnectDelayMilliseconds: delay) { closeIfDrained() }
  }

  func closeIfDrained() {
    guard let (code, reason) = machine.drained, unsettled == 0 else { return }
    close(code, reason: reason)
  }

  /// Ends the session from the broker's side.
  func close(_ code: CloseCode, reason: String) {
    guard machine.closed() else { return }
    endReplayWithSession()
    leaveConsumer(.ended)
    writeUnsent()
    sink.close(code, reason: reason)
  }
}

@available(*, unavailable)
extension Session: Sendable {}
