"""What is measured. Each scenario has a full size, and a short one that checks correctness only."""

from dataclasses import dataclass, field


@dataclass
class Scenario:
    id: str
    title: str
    servers: list  # names, the floor that the ratio refers to first
    full: dict
    short: dict
    deflate: bool = False
    probe_rate: int = 0
    padding: int = 0
    one_frame_per_event: list = field(
        default_factory=lambda: ["casebus", "floor-bare", "floor-coalesce", "floor-deflate", "floor-workspaces"]
    )

    def sizes(self, short):
        return self.short if short else self.full

    def options(self, server, short):
        sizes = self.sizes(short)
        options = server.load_of_workspaces() if "channels" in sizes else server.load(self.padding)
        for key, value in sizes.items():
            options += [f"--{key}"] + ([] if value is True else [str(value)])
        if self.deflate:
            options.append("--deflate")
        if self.probe_rate:
            options += ["--probe-rate", str(self.probe_rate)] + server.probe()
        return options


TLS = ["floor-tls", "casebus-tls", "nchan-tls"]

PEERS = ["nchan", "nats", "mosquitto", "websockets"]

SCENARIOS = [
    # The rate of probes is no divisor of the rate of events, so that they meet every phase of a fan-out.
    Scenario(
        "S1",
        "one by one: 1,000 subscribers, 100 events/s",
        ["floor-bare", "casebus", *PEERS],
        {"subscribers": 1000, "events": 500, "rate": 100},
        {"subscribers": 200, "events": 100, "rate": 100},
        probe_rate=97,
    ),
    Scenario(
        "S2",
        "burst: 2,000 events at once to 1,000 subscribers",
        ["floor-coalesce", "casebus", "floor-bare", *PEERS],
        {"subscribers": 1000, "events": 2000, "burst": True},
        {"subscribers": 200, "events": 1000, "burst": True},
        probe_rate=497,
    ),
    # Also S4 (memory before the first event) and S5 (the connecting).
    Scenario(
        "S3",
        "10,000 subscribers, 10 events/s",
        ["floor-bare", "casebus", *PEERS],
        {"subscribers": 10000, "events": 50, "rate": 10, "settle-ms": 1000},
        {"subscribers": 2000, "events": 5, "rate": 10},
    ),
    Scenario(
        "S6",
        "permessage-deflate: 1,000 subscribers, 100 events/s",
        ["floor-deflate", "casebus", "nchan", "nats", "websockets"],
        {"subscribers": 1000, "events": 500, "rate": 100},
        {"subscribers": 200, "events": 100, "rate": 100},
        deflate=True,
    ),
    Scenario(
        "S7",
        "6,000 workspaces of 2 sessions, 5 monitors, 20,000 events/s",
        ["floor-workspaces", "casebus"],
        {"subscribers": 12000, "channels": 6000, "monitors": 5, "events": 100000, "rate": 20000, "sample": 12000},
        {"subscribers": 400, "channels": 200, "monitors": 3, "events": 2000, "rate": 1000, "sample": 400},
    ),
    # 12 KiB events: what a session does not read is soon more than the kernel (some 4 MiB) and the broker (1 MiB)
    # hold for it.
    Scenario(
        "S9-none",
        "S9 without slow consumers: 500 subscribers, 100 events/s of 12 KiB",
        ["casebus"],
        {"subscribers": 500, "events": 600, "rate": 100, "sample": 500},
        {"subscribers": 50, "events": 600, "rate": 300, "sample": 50},
        padding=12000,
    ),
    Scenario(
        "S9",
        "slow consumers: as before, and 50 of the 500 stop reading",
        ["casebus"],
        {"subscribers": 500, "stopped": 50, "events": 600, "rate": 100, "sample": 500},
        {"subscribers": 50, "stopped": 5, "events": 600, "rate": 300, "sample": 50},
        padding=12000,
    ),
    Scenario(
        "T1",
        "S1 over TLS: 1,000 subscribers, 100 events/s",
        TLS,
        {"subscribers": 1000, "events": 500, "rate": 100},
        {"subscribers": 100, "events": 50, "rate": 100},
        probe_rate=97,
        one_frame_per_event=["casebus-tls", "floor-tls"],
    ),
    # Memory before the first event; the connecting, each with a full handshake.
    Scenario(
        "T2",
        "5,000 idle TLS connections",
        TLS,
        {"subscribers": 5000, "events": 5, "rate": 10, "settle-ms": 2000},
        {"subscribers": 200, "events": 5, "rate": 10},
        one_frame_per_event=["casebus-tls", "floor-tls"],
    ),
    Scenario(
        "T3",
        "5,000 TLS connections that resume a session",
        TLS,
        {"subscribers": 5000, "events": 5, "rate": 10, "tls-resume": True},
        {"subscribers": 200, "events": 5, "rate": 10, "tls-resume": True},
        one_frame_per_event=["casebus-tls", "floor-tls"],
    ),
]
