import NIOCore

/// Something with a timer in a ``TimerWheel``.
protocol Timed: AnyObject {
  /// The place of its timer; for the ``TimerWheel`` only.
  var timerPlace: TimerWheel.Place? { get set }

  /// The deadline has passed, or is further ahead than one turn of the wheel: then arm it again.
  func timeReached()
}

/// The timers of all connections of one event loop. Their deadlines are seconds, so being a tenth of a second late does
/// not matter.
///
/// Arming and disarming are O(1), and a timer takes 16 bytes. A task of the event loop takes about 400, and cancelling
/// it searches all scheduled ones (Docs/internals/fan-out.md).
final class TimerWheel {
  struct Place {
    fileprivate var slot: Int
    fileprivate var index: Int
  }

  private static var slotNanoseconds: Int64 { 100_000_000 }
  private static var slotCount: Int { 512 }

  private let eventLoop: any EventLoop
  private var slots = [[any Timed]](repeating: [], count: slotCount)
  private var count = 0
  /// Everything up to this slot was checked; in slots since the start of the clock.
  private var current: Int64 = 0
  private var tick: (at: Int64, task: Scheduled<Void>)?

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  /// - Parameter deadline: of the event loop's clock, nanoseconds.
  func arm(_ timed: any Timed, at deadline: Int64) {
    disarm(timed)
    if count == 0 { current = now }
    let exact = (deadline + Self.slotNanoseconds - 1) / Self.slotNanoseconds
    let moment = min(max(exact, current + 1), current + Int64(Self.slotCount) - 1)
    let slot = Self.slot(of: moment)
    timed.timerPlace = Place(slot: slot, index: slots[slot].count)
    slots[slot].append(timed)
    count += 1
    scheduleTick(at: moment)
  }

  func disarm(_ timed: any Timed) {
    guard let place = timed.timerPlace else { return }
    timed.timerPlace = nil
    count -= 1
    let last = slots[place.slot].removeLast()
    guard last !== timed else { return }
    slots[place.slot][place.index] = last
    last.timerPlace = place
  }

  private var now: Int64 { Int64(eventLoop.now.uptimeNanoseconds) / Self.slotNanoseconds }

  private static func slot(of moment: Int64) -> Int { Int(moment % Int64(slotCount)) }

  private func scheduleTick(at moment: Int64) {
    if let tick {
      guard moment < tick.at else { return }
      tick.task.cancel()
    }
    let deadline = NIODeadline.uptimeNanoseconds(UInt64(moment * Self.slotNanoseconds))
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.turn() }
    tick = (moment, task)
  }

  private func turn() {
    tick = nil
    let now = now
    // One turn reaches every slot, however late this is.
    current = max(current, now - Int64(Self.slotCount))
    while current < now, count > 0 {
      current += 1
      empty(Self.slot(of: current))
    }
    guard count > 0 else { return }
    let next = (current + 1...current + Int64(Self.slotCount)).first { !slots[Self.slot(of: $0)].isEmpty }
    if let next { scheduleTick(at: next) }
  }

  private func empty(_ slot: Int) {
    while let timed = slots[slot].popLast() {
      timed.timerPlace = nil
      count -= 1
      timed.timeReached()
    }
    slots[slot] = []
  }
}

@available(*, unavailable)
extension TimerWheel: Sendable {}
