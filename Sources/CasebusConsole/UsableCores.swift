import FoundationEssentials
import NIOCore

/// The number of processor cores that this process can use, which is also the number of event loops.
package enum UsableCores {
  /// `System.coreCount` knows a container's limits, but not those of taskset(1) or `CPUAffinity=` of systemd.
  package static var count: Int { max(1, min(System.coreCount, allowedCount ?? .max)) }

  /// The bits of the process's CPU mask, such as `Cpus_allowed:      00000001` (proc(5)); nil if there is no such file.
  private static var allowedCount: Int? {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return nil }
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
    return line?.dropFirst("Cpus_allowed:".count).reduce(0) { $0 + ($1.hexDigitValue ?? 0).nonzeroBitCount }
  }
}
