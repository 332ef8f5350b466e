package import ArgumentParser

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension AsyncParsableCommand {
  /// Like ArgumentParser's `main()`, but every output is checked, also the help. `main()` itself must have called
  /// `StandardOutput.prepare()`: Swift opens its own files before it runs another asynchronous function.
  /// - Parameter hint: a text added to an error about the command line; nil for none.
  package static func runProcess(hint: @Sendable () -> String? = { nil }) async {
    do {
      if let complaint = RawArguments.complaint { throw ValidationError(complaint) }
      try await run(try parseAsRoot())
      try StandardOutput.close()
    } catch let failure as OutputFailure {
      failure.endProcess()
    } catch {
      end(with: error, hint)
    }
  }

  private static func run(_ command: any ParsableCommand) async throws {
    var command = command
    if var command = command as? any AsyncParsableCommand {
      try await command.run()
    } else {
      try command.run()
    }
  }

  private static func end(with error: any Error, _ hint: @Sendable () -> String?) -> Never {
    let status = exitCode(for: error)
    let text = fullMessage(for: error)
    guard status.isSuccess else {
      if !text.isEmpty { printError(text + (hint() ?? "")) }
      _exit(status.rawValue)
    }
    do throws(OutputFailure) {
      // Help and version are thrown as errors.
      if !text.isEmpty { try printLine(text) }
      try StandardOutput.close()
      _exit(status.rawValue)
    } catch {
      error.endProcess()
    }
  }
}
