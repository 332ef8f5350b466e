import CasebusConsole
import CasebusProtocol

/// The demo's text for its user: the addresses, and what to try. Every command can be pasted unchanged.
struct DemoGuide {
  let address: ListeningAddress
  let plan: SimulationPlan
  /// The command of this process.
  let command: String

  var text: String {
    """
    Casebus is running, with \(plan.workspaces.count) simulated agents (seed \(plan.seed)). Stop it with Ctrl-C.

      \(address.pageURL.padded)  page: what this is, and a snippet for the browser's console
    \(workspaceLines)
      \((address.webSocketURL + "?workspace=*").padded)  all workspaces, to watch

    In a second terminal:

      # What happens at agent 1, and at all agents: who is refused a mark done, and why
      \(casebus("subscribe"))
      \(casebus("subscribe --workspace '*' --events markdone"))

      # Everything that has happened at agent 1 so far, then what happens
      \(casebus("subscribe --since beginning"))

      # What agent 1 has on the desktop now
      \(casebus("call interaction.getInteractions"))

      # Be a source: a call that is over. The bot at agent 1 lets nobody mark it done without a disposition
      \(casebus(#"publish interaction '{"eventType":"IDLE","interaction":{"interactionId":"my-call"}}'"#))
      \(casebus("call interaction.markdone my-call"))
      \(casebus(#"publish interaction '{"eventType":"IDLE","interaction":{"interactionId":"my-call","userData":{"disposition":"resolved"}}}'"#))
      \(casebus("call interaction.markdone my-call"))

      # The same without Casebus: five lines of Python (pip install websockets)
    \(python)
    """
  }

  private var workspaceLines: String {
    let shown = plan.workspaces.prefix(3).enumerated().map { index, workspace in
      let url = workspace == .default ? address.webSocketURL : "\(address.webSocketURL)?workspace=\(workspace)"
      return "  \(url.padded)  agent \(index + 1)"
    }
    let rest = plan.workspaces.count > 3 ? ["  … and so on to workspace \(plan.workspaces.last!)"] : []
    return (shown + rest).joined(separator: "\n")
  }

  /// Python accepts the lines only without indentation.
  private var python: String {
    """
    python3 -c '
    import json, websockets.sync.client as client
    with client.connect("\(address.webSocketURL)", max_size=2**24) as bus:
        bus.send(json.dumps({"event": "subscribe", "data": ["interaction", "markdone"]}))
        for message in bus:
            print(message)
    '
    """
  }

  private func casebus(_ arguments: String) -> String {
    let program = command.contains(" ") ? "'\(command)'" : command
    let isDefault = address.host == "127.0.0.1" && address.port == 8080
    return isDefault ? "\(program) \(arguments)" : "\(program) \(arguments) --url \(address.webSocketURL)"
  }
}

extension String {
  /// Wide enough to align the next column.
  fileprivate var padded: String {
    self + String(repeating: " ", count: max(0, 46 - count))
  }
}
