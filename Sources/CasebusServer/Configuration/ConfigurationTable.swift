import CasebusBroker
import CasebusSQLite
import CasebusTLS
import CasebusTransport
import CasebusWebSocket
import CasebusWorkspace
import Logging

/// All keys, each once. `casebus config reference`, `config example`, `config check`, the environment variables and the
/// help of `casebus serve` are made from these rows.
package enum ConfigurationTable {
  package static let keys: [ConfigurationKey] = listen + tls + journal + domain + deflate + limits + log

  /// By name.
  package static subscript(_ name: String) -> ConfigurationKey? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: keys.map { ($0.name, $0) })

  private static let listen: [ConfigurationKey] = [
    .text("listen.host", \.server.host, "The address to listen on, or a name of this machine: then all its addresses.")
      .flag("--host"),
    .number("listen.port", \.port, 0...65_535, "", "The port to listen on; 0 lets the system choose one.")
      .flag("--port"),
    .boolean("listen.plain", \.isPlain, "Whether the port without TLS is listened on.").flag("--no-plain"),
  ]

  private static let log: [ConfigurationKey] = [
    .choice("log.level", \.logLevel, "The least that is logged to standard error.").flag("--log-level").reloadable
  ]

  private static let tls: [ConfigurationKey] = [
    .number(
      "tls.port", \.tls.port, 0...65_535, "",
      "Listen for wss:// and https:// on this port; 0 lets the system choose one.", absence: "no TLS"
    ).flag("--tls-port"),
    .files(
      "tls.certificates", \.tls.certificateFiles,
      "The certificate and its chain (PEM). Repeatable: each is for its host names, the first also for others."
    ).flag("--tls-certificate"),
    .files(
      "tls.keys", \.tls.keyFiles, "The private key (PEM); one for each certificate, in the same order."
    ).flag("--tls-key").secret,
    .text(
      "tls.key-passphrase-file", \.tls.keyPassphraseFile,
      "The first line of this file is the passphrase of encrypted keys.", absence: "none", form: .file
    ).flag("--tls-key-passphrase-file").secret,
    .text(
      "tls.ocsp-staple", \.tls.stapleFile, "An OCSP response (DER) for the first certificate.", absence: "none",
      form: .file
    ).flag("--tls-ocsp-staple"),
    .text(
      "tls.client-ca", \.tls.clientAuthorityFile, "Ask clients for a certificate of these authorities (PEM).",
      absence: "none", form: .file
    ).flag("--tls-client-ca"),
    .choice(
      "tls.client-certificates", \.tls.clientCertificates,
      "With tls.client-ca: whether clients without a certificate are refused."
    ).flag("--tls-client-certificates"),
    .choice("tls.minimum-version", \.tls.listener.protocols.minimumVersion, "The lowest version of TLS.")
      .flag("--tls-minimum-version"),
    .text("tls.ciphers", \.tls.listener.protocols.ciphers, "The suites of TLS 1.2, in OpenSSL's syntax.")
      .flag("--tls-ciphers"),
    .text(
      "tls.cipher-suites", \.tls.listener.protocols.cipherSuites, "The suites of TLS 1.3, in OpenSSL's syntax.",
      absence: "all that the system allows"
    ).flag("--tls-cipher-suites"),
    .text(
      "tls.groups", \.tls.listener.protocols.groups, "The groups for the key exchange, in OpenSSL's syntax.",
      absence: "X25519MLKEM768, X25519, P-256 and P-384"
    ).flag("--tls-groups"),
    .number(
      "tls.reload-interval-seconds", \.tls.listener.reloadIntervalSeconds, 1...86_400, "seconds",
      "How often the broker checks whether certificate files have changed."),
  ]

  private static let journal: [ConfigurationKey] = [
    .choice(
      "journal.storage", \.storage,
      "Where events are kept; sqlite: in files in journal.directory, memory: as long as the broker runs."
    ).flag("--journal"),
    .text(
      "journal.directory", \.journal.directory, "The directory of the journal; created if it does not exist.",
      form: .file
    ).flag("--data"),
    .choice(
      "journal.durability", \.journal.durability,
      "Before something is answered it is on the disk (full), or the system has it (normal): faster, less safe."
    ).flag("--durability"),
    .number(
      "journal.snapshot-interval-events", \.server.broker.snapshotIntervalEvents, 1...1_099_511_627_775, "events",
      "How many events of a workspace follow a snapshot of its state before the next snapshot."),
    .number(
      "journal.readers-max", \.journal.readersMax, 1...256, "threads", "How many threads read the journal."),
  ]

  private static let domain: [ConfigurationKey] = [
    .choice(
      "workspace.transitions", \.server.broker.workspaceRules.transitions,
      "Whether state changes outside of the transition table are refused (strict) or accepted (lenient)."
    ).flag("--transitions"),
    .number(
      "workspace.idle-seconds", \.server.broker.workspaceIdleSeconds, 1...86_400, "seconds",
      "How long a workspace without sessions stays in memory."),
    .number(
      "service-client-api.block-markdone-timeout", \.server.broker.workspaceRules.blockMarkdoneTimeoutMilliseconds,
      1...86_400_000, "milliseconds", "How long a markdone block stands."
    ).flag("--block-markdone-timeout").limit("blockMarkdoneTimeoutMilliseconds"),
    .number(
      "monitor.write-interval-milliseconds", \.server.broker.monitorWriteIntervalMilliseconds, 0...60_000,
      "milliseconds", "The least time between two writes to a monitor; 0 for none."),
  ]

  private static let deflate: [ConfigurationKey] = [
    .boolean("deflate.enabled", \.isDeflating, "Whether compression (permessage-deflate) is offered.")
      .flag("--no-deflate"),
    .number("deflate.level", \.deflate.level, 1...9, "", "How hard messages are deflated: fast to small.")
      .flag("--deflate-level"),
    .number(
      "deflate.threshold-bytes", \.deflate.thresholdBytes, 1...1_073_741_824, "bytes",
      "Shorter messages are not deflated."
    ).flag("--deflate-threshold"),
  ]

  private static let limits: [ConfigurationKey] =
    messageLimits + sessionLimits + workspaceLimits + consumerLimits + connectionLimits + journalLimits
}
