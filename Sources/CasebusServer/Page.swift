/// The page at `/`: what the server is, and how to connect.
enum Page {
  /// - Parameter host: the `Host` of the request; it is escaped.
  static func html(host: String, isSecure: Bool) -> String {
    let url = "\(isSecure ? "wss" : "ws")://\(escape(host))/v2"
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <title>Casebus</title>
      <style>
      body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem; color: #1d2733; }
      h1 { margin-bottom: 0; } p.lead { margin-top: .25rem; color: #52606d; }
      pre { background: #f3f5f8; padding: 1rem; overflow-x: auto; border-radius: 6px; font-size: 14px; }
      code { font-family: ui-monospace, monospace; }
      </style>
      </head>
      <body>
      <h1>Casebus</h1>
      <p class="lead">A WebSocket event bus for agent desktops, speaking the Service Client API (protocolVersion&nbsp;2).</p>
      <p>This broker is running. Connect to <code>\(url)</code>; add <code>?workspace=ID</code> for one agent's workspace,
      or <code>?workspace=*</code> to watch all of them.</p>
      <p>From a browser's console:</p>
      <pre><code>const bus = new WebSocket("\(url)");
      bus.onmessage = message =&gt; console.log(message.data);
      bus.onopen = () =&gt; bus.send(JSON.stringify({
        event: "subscribe", data: ["interaction", "markdone"],
        referenceId: "0", userAgent: "WWE Client", protocolVersion: 2}));</code></pre>
      <p>From a shell:</p>
      <pre><code>casebus subscribe --url \(url) --events interaction,markdone
      casebus call --url \(url) interaction.getInteractions</code></pre>
      </body>
      </html>

      """
  }

  private static func escape(_ text: String) -> String {
    text.reduce(into: "") { escaped, character in
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case _: escaped.append(character)
      }
    }
  }
}
