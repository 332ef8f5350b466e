// swift-tools-version: 6.2
import PackageDescription

// Which target may import which: Docs/internals/architecture.md. Tests/ArchitectureTests checks it.

/// Every target is built the same way: Swift 6 language mode (the default of these tools), no warnings, explicit `any`,
/// and imports that do not leak.
let settings: [SwiftSetting] = [
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

extension Target.Dependency {
  static let argumentParser = product(name: "ArgumentParser", package: "swift-argument-parser")
  static let configuration = product(name: "Configuration", package: "swift-configuration")
  static let deque = product(name: "DequeModule", package: "swift-collections")
  static let grdb = product(name: "GRDB", package: "GRDB.swift")
  static let grdbSQLite = product(name: "GRDBSQLite", package: "GRDB.swift")
  static let heap = product(name: "HeapModule", package: "swift-collections")
  static let httpTypes = product(name: "HTTPTypes", package: "swift-http-types")
  static let hummingbirdCore = product(name: "HummingbirdCore", package: "hummingbird")
  static let logging = product(name: "Logging", package: "swift-log")
  static let nioCore = product(name: "NIOCore", package: "swift-nio")
  static let nioEmbedded = product(name: "NIOEmbedded", package: "swift-nio")
  static let nioHTTP1 = product(name: "NIOHTTP1", package: "swift-nio")
  static let nioHTTPTypes = product(name: "NIOHTTPTypes", package: "swift-nio-extras")
  static let nioHTTPTypesHTTP1 = product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
  static let nioPosix = product(name: "NIOPosix", package: "swift-nio")
  static let orderedCollections = product(name: "OrderedCollections", package: "swift-collections")
  static let serviceLifecycle = product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
  static let unixSignals = product(name: "UnixSignals", package: "swift-service-lifecycle")
  static let yams = product(name: "Yams", package: "Yams")
}

func target(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func testTarget(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: settings)
}

let package = Package(
  name: "casebus",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "casebus", targets: ["casebus"]),
    .executable(name: "casebus-devtools", targets: ["casebus-devtools"]),
    .library(name: "CasebusClient", targets: ["CasebusClient"]),
    .library(name: "CasebusProtocol", targets: ["CasebusProtocol"]),
    // What Tests/Fuzz/run links its fuzzers with.
    .library(
      name: "CasebusFuzzable", type: .static,
      targets: ["CasebusDeflate", "CasebusProtocol", "CasebusTLS", "CasebusWebSocket"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.0"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // L0
    target("CasebusProtocol", [.nioCore, .orderedCollections]),
    target("CasebusWebSocket", [.nioCore]),
    target("CasebusSocket", [.nioCore]),
    // C
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CPrefetch"),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    // L1
    target("CasebusTLS", ["COpenSSL", "CasebusSocket", .deque, .nioCore]),
    target("CasebusDeflate", ["CZlib", "CasebusWebSocket", .nioCore]),
    target("CasebusWorkspace", ["CasebusProtocol", .nioCore, .orderedCollections]),
    target("CasebusJournal", ["CasebusProtocol", .deque, .nioCore]),
    target("CasebusAccess", ["CasebusProtocol"]),
    // L2
    target(
      "CasebusTransport",
      [
        "CasebusDeflate", "CasebusProtocol", "CasebusSocket", "CasebusTLS", "CasebusWebSocket", .httpTypes,
        .hummingbirdCore, .logging, .nioCore,
        .nioHTTP1, .nioHTTPTypes, .nioHTTPTypesHTTP1, .nioPosix, .serviceLifecycle,
      ]),
    target("CasebusSQLite", ["CasebusJournal", "CasebusProtocol", .grdb, .grdbSQLite, .logging, .nioCore]),
    // L3
    target(
      "CasebusBroker",
      [
        "CPrefetch", "CasebusAccess", "CasebusDeflate", "CasebusJournal", "CasebusProtocol", "CasebusWebSocket",
        "CasebusWorkspace",
        .deque, .heap, .logging, .nioCore,
      ]),
    target("CasebusClient", ["CasebusProtocol", "CasebusTLS", "CasebusTransport", "CasebusWebSocket", .nioCore]),
    // L4
    target(
      "CasebusServer",
      [
        "CMalloc", "CasebusAccess", "CasebusBroker", "CasebusJournal", "CasebusProtocol", "CasebusSQLite", "CasebusTLS",
        "CasebusTransport", "CasebusWebSocket", "CasebusWorkspace", .configuration, .httpTypes, .hummingbirdCore,
        .logging, .nioCore, .serviceLifecycle, .yams,
      ]),
    target("CasebusConsole", [.argumentParser, .logging, .nioCore, .serviceLifecycle]),
    // L5
    .executableTarget(
      name: "casebus-devtools",
      dependencies: [
        "CasebusConsole", "CasebusJournal", "CasebusProtocol", "CasebusSQLite", "CasebusServer", "CasebusTransport",
        "CasebusWebSocket", .argumentParser, .httpTypes, .hummingbirdCore, .logging, .nioCore, .nioPosix,
        .serviceLifecycle, .unixSignals,
      ], swiftSettings: settings),
    .executableTarget(
      name: "casebus",
      dependencies: [
        "CasebusBroker", "CasebusClient", "CasebusConsole", "CasebusJournal", "CasebusProtocol", "CasebusSQLite",
        "CasebusServer",
        "CasebusTLS", "CasebusTransport", "CasebusWebSocket", "CasebusWorkspace", .argumentParser, .logging, .nioCore,
        .nioPosix, .serviceLifecycle,
        .unixSignals,
      ], swiftSettings: settings),
    // Tests
    .target(
      name: "CasebusTestSupport", dependencies: ["CasebusProtocol"], path: "Tests/CasebusTestSupport",
      swiftSettings: settings),
    .executableTarget(
      name: "codec-benchmark", dependencies: ["CasebusProtocol", .nioCore],
      path: "Tests/Benchmarks/Codec", swiftSettings: settings),
    testTarget("ArchitectureTests", []),
    testTarget("CasebusAccessTests", ["CasebusAccess", "CasebusProtocol", "CasebusTestSupport"]),
    testTarget("CasebusProtocolTests", ["CasebusProtocol", "CasebusTestSupport", .nioCore]),
    testTarget("CasebusWebSocketTests", ["CasebusWebSocket", .nioCore]),
    testTarget("CasebusDeflateTests", ["CasebusDeflate", "CasebusWebSocket", .nioCore]),
    testTarget("CasebusTLSTests", ["CasebusTLS", "COpenSSL", .nioCore, .nioEmbedded, .nioPosix]),
    .testTarget(
      name: "CasebusFuzzTests",
      dependencies: ["CasebusDeflate", "CasebusProtocol", "CasebusTLS", "CasebusWebSocket", .nioCore],
      path: "Tests/Fuzz", exclude: ["run", "Seeds", "FailCases"], swiftSettings: settings),
    testTarget("CasebusWorkspaceTests", ["CasebusProtocol", "CasebusTestSupport", "CasebusWorkspace", .nioCore]),
    .testTarget(
      name: "CasebusJournalTests",
      dependencies: [
        "CasebusJournal", "CasebusProtocol", "CasebusSQLite", "CasebusTestSupport", .grdb, .logging, .nioCore,
      ], exclude: ["Journals"], swiftSettings: settings),
    testTarget(
      "CasebusTransportTests",
      [
        "CasebusProtocol", "CasebusTestSupport", "CasebusTransport", "CasebusWebSocket", .httpTypes, .hummingbirdCore,
        .logging, .nioCore,
        .nioEmbedded, .nioPosix,
      ]),
    testTarget(
      "CasebusBrokerTests",
      [
        "CasebusAccess", "CasebusBroker", "CasebusDeflate", "CasebusJournal", "CasebusProtocol", "CasebusTestSupport",
        "CasebusWebSocket", "CasebusWorkspace", .logging, .nioCore, .nioEmbedded,
      ]),
    testTarget(
      "casebusTests",
      [
        "casebus", "CasebusAccess", "CasebusBroker", "CasebusClient", "CasebusConsole", "CasebusJournal",
        "CasebusProtocol",
        "CasebusServer", "CasebusTestSupport", "CasebusTransport", "CasebusWebSocket", "CasebusWorkspace", .httpTypes,
        .hummingbirdCore, .logging, .nioCore, .nioPosix, .serviceLifecycle,
      ]),
  ]
)
