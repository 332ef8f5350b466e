"""Tables, charts and the page, from the results of bench.py."""

import json
from statistics import median

from servers import ROOT

PAGE = ROOT / "Docs" / "reference" / "performance.md"
BEGIN, END = "<!-- results: written by Tests/Benchmarks/bench.py --page -->", "<!-- end of results -->"


class Results:
    """The runs that count: those that delivered everything."""

    def __init__(self, data):
        self.data = data

    def title(self, server):
        return self.data["titles"].get(server, server)

    def servers(self, scenario):
        return list(dict.fromkeys(r["server"] for r in self.data["runs"] if r["scenario"] == scenario))

    def values(self, scenario, server, metric):
        """By number of the run, so that ratios can be taken within a run."""
        runs = [
            r for r in self.data["runs"] if r["scenario"] == scenario and r["server"] == server and r["result"]["ok"]
        ]
        return {r["run"]: at_path(r["result"], metric) for r in runs}

    def median(self, scenario, server, metric):
        values = [v for v in self.values(scenario, server, metric).values() if v is not None]
        return median(values) if values else None

    def spread(self, scenario, server, metric):
        values = [v for v in self.values(scenario, server, metric).values() if v is not None]
        return (min(values), max(values)) if values else None

    def ratio(self, scenario, server, metric, base, base_scenario=None):
        mine, theirs = self.values(scenario, server, metric), self.values(base_scenario or scenario, base, metric)
        ratios = [mine[n] / theirs[n] for n in mine if n in theirs and mine[n] is not None and theirs[n]]
        return median(ratios) if ratios else None

    def counted(self, scenario, server):
        runs = [r for r in self.data["runs"] if r["scenario"] == scenario and r["server"] == server]
        return sum(r["result"]["ok"] for r in runs), len(runs)


def at_path(result, metric):
    for key in metric.split("/"):
        result = result.get(key) if isinstance(result, dict) else None
    return result


def one_line(scenario, result):
    if not result["ok"]:
        return "DOES NOT COUNT: " + result.get("error", "").split("\n")[0]
    rate = f"{result['deliveries_per_second']:,.0f} deliveries/s"
    parts = [f"{result['cpu_us_per_delivery']:.3f} µs/delivery", rate]
    if scenario in ("S3", "T2", "T3"):
        parts += [
            f"{result['rss_kib_per_connection']:.1f} KiB",
            f"{result['connections_per_second']:,.0f} connections/s",
        ]
    if "probe_us" in result:
        parts.append(f"probe p99 {result['probe_us']['p99'] / 1000:.1f} ms")
    if "monitor_latency_us" in result or scenario.startswith("S9"):
        parts.append(f"p99 {result['latency_us']['p99'] / 1000:.1f} ms")
    if result.get("other_cpu_share", 0) > 0.2:
        parts.append(f"(others used {result['other_cpu_share']:.1f} cores)")
    return ", ".join(parts)


# ---- Numbers as text ----


def number(value, unit=""):
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
    return f"{value:,.{digits}f}{unit}"


def millions(value):
    return "–" if value is None else f"{value / 1e6:.2f}"


def milliseconds(value):
    return "–" if value is None else f"{value / 1000:.2f}"


def times(value):
    return "–" if value is None else f"{value:.2f} ×"


# ---- Tables ----

CPU, RATE = "cpu_us_per_delivery", "deliveries_per_second"


def scenario_tables(r):
    """(heading, columns, rows) of each table. A server without a run that counts has a row that says so."""

    def cpu_rows(scenario, floor, extra=()):
        return [
            [
                r.title(s),
                number(r.median(scenario, s, CPU)),
                low_high(r, scenario, s, CPU),
                times(r.ratio(scenario, s, CPU, floor)),
                *[milliseconds(r.median(scenario, s, m)) for m in extra],
                runs(r, scenario, s),
            ]
            for s in r.servers(scenario)
        ]

    yield (
        "S1 and S8: one by one, 1,000 subscribers, 100 events/s; requests meanwhile",
        [
            "server",
            "CPU per delivery, µs",
            "lowest–highest",
            "to the floor",
            "delivery p50, ms",
            "p99",
            "request p50, ms",
            "p99",
            "runs",
        ],
        cpu_rows("S1", "floor-bare", ["latency_us/p50", "latency_us/p99", "probe_us/p50", "probe_us/p99"]),
    )
    yield (
        "S2 and S8: 2,000 events at once to 1,000 subscribers; requests meanwhile",
        [
            "server",
            "million deliveries/s",
            "lowest–highest",
            "to the coalescing floor",
            "CPU per delivery, µs",
            "request p99, ms",
            "runs",
        ],
        [
            [
                r.title(s),
                millions(r.median("S2", s, RATE)),
                low_high(r, "S2", s, RATE, 1e6),
                times(r.ratio("S2", s, RATE, "floor-coalesce")),
                number(r.median("S2", s, CPU)),
                milliseconds(r.median("S2", s, "probe_us/p99")),
                runs(r, "S2", s),
            ]
            for s in r.servers("S2")
        ],
    )
    yield (
        "S3: 10,000 subscribers, 10 events/s",
        ["server", "CPU per delivery, µs", "lowest–highest", "to the floor", "delivery p50, ms", "p99", "runs"],
        cpu_rows("S3", "floor-bare", ["latency_us/p50", "latency_us/p99"]),
    )
    yield (
        "S4 and S5: memory of an idle subscribed connection; connecting 10,000 (handshake and subscription)",
        ["server", "KiB per connection", "connections/s", "lowest–highest", "CPU per connection, µs", "runs"],
        [
            [
                r.title(s),
                number(r.median("S3", s, "rss_kib_per_connection")),
                number(r.median("S3", s, "connections_per_second")),
                low_high(r, "S3", s, "connections_per_second"),
                number(r.median("S3", s, "cpu_us_per_connection")),
                runs(r, "S3", s),
            ]
            for s in r.servers("S3")
        ],
    )
    yield (
        "S6: permessage-deflate, 1,000 subscribers, 100 events/s",
        ["server", "CPU per delivery, µs", "lowest–highest", "to the floor", "KiB per connection", "runs"],
        [
            [
                r.title(s),
                number(r.median("S6", s, CPU)),
                low_high(r, "S6", s, CPU),
                times(r.ratio("S6", s, CPU, "floor-deflate")),
                number(r.median("S6", s, "rss_kib_per_connection")),
                runs(r, "S6", s),
            ]
            for s in r.servers("S6")
        ],
    )
    yield (
        "S7: 6,000 workspaces of 2 sessions, 5 monitors, 20,000 events/s",
        [
            "server",
            "deliveries/s",
            "session p50, ms",
            "p99",
            "monitor p99, ms",
            "CPU per event, µs",
            "to the floor",
            "KiB per connection",
            "runs",
        ],
        [
            [
                r.title(s),
                number(r.median("S7", s, RATE)),
                milliseconds(r.median("S7", s, "latency_us/p50")),
                milliseconds(r.median("S7", s, "latency_us/p99")),
                milliseconds(r.median("S7", s, "monitor_latency_us/p99")),
                number(cpu_per_event(r, "S7", s)),
                times(r.ratio("S7", s, CPU, "floor-workspaces")),
                number(r.median("S7", s, "rss_kib_per_connection")),
                runs(r, "S7", s),
            ]
            for s in r.servers("S7")
        ],
    )
    yield (
        "S9: slow consumers, 500 subscribers, 100 events/s of 12 KiB",
        [
            "server",
            "sessions that stop reading",
            "the others' p50, ms",
            "p99",
            "p99 to without",
            "stopped and closed by the server",
            "peak memory, MiB",
            "runs",
        ],
        [
            [
                r.title(s),
                "0" if c == "S9-none" else number(r.median(c, s, "stopped")),
                milliseconds(r.median(c, s, "latency_us/p50")),
                milliseconds(r.median(c, s, "latency_us/p99")),
                times(r.ratio(c, s, "latency_us/p99", s, "S9-none")),
                number(r.median(c, s, "stopped_closed")),
                number((r.median(c, s, "rss_peak_kib") or 0) / 1024),
                runs(r, c, s),
            ]
            for c in ("S9-none", "S9")
            for s in r.servers(c)
        ],
    )
    yield (
        "T1: S1 over TLS 1.3; requests meanwhile",
        [
            "server",
            "CPU per delivery, µs",
            "lowest–highest",
            "to the floor",
            "delivery p50, ms",
            "p99",
            "request p50, ms",
            "p99",
            "runs",
        ],
        cpu_rows("T1", "floor-tls", ["latency_us/p50", "latency_us/p99", "probe_us/p50", "probe_us/p99"]),
    )
    yield (
        "T2 and T3: 5,000 idle TLS connections; connecting them (TLS handshake, WebSocket handshake, subscription)",
        ["server", "KiB per connection", "CPU per connection, µs: full handshake", "resumed", "per second of one core: full", "resumed", "runs"],
        [
            [
                r.title(s),
                number(r.median("T2", s, "rss_kib_per_connection")),
                *[number(r.median(t, s, "cpu_us_per_connection")) for t in ("T2", "T3")],
                *[number(per_core(r, t, s)) for t in ("T2", "T3")],
                runs(r, "T2", s),
            ]
            for s in r.servers("T2")
        ],
    )


def per_core(r, scenario, server):
    """Connections that one core makes in a second."""
    cpu = r.median(scenario, server, "cpu_us_per_connection")
    return 1e6 / cpu if cpu else None


def low_high(r, scenario, server, metric, divisor=1):
    spread = r.spread(scenario, server, metric)
    return f"{number(spread[0] / divisor)}–{number(spread[1] / divisor)}" if spread else "–"


def cpu_per_event(r, scenario, server):
    cpu, events = r.median(scenario, server, "server_cpu_seconds"), r.median(scenario, server, "events")
    return cpu / events * 1e6 if cpu and events else None


def runs(r, scenario, server):
    good, total = r.counted(scenario, server)
    return str(total) if good == total else f"{good} of {total} count"


def codec_table(data):
    """Reading and writing messages, beside Foundation."""
    times_of = {}
    for line in data.get("codec", []):
        key = (line["work"], line["message"], line["bytes"])
        times_of.setdefault(key, {})[line["way"].replace("JSONEncoder", "JSONDecoder")] = line["ns"]
    rows = [
        [
            f"{work} a {message}" if work == "read" else f"{work} an {message}",
            number(count),
            *[number(ways[way] / 1000) for way in ("casebus", "JSONDecoder", "JSONSerialization")],
            times(ways["JSONDecoder"] / ways["casebus"]),
            times(ways["JSONSerialization"] / ways["casebus"]),
        ]
        for (work, message, count), ways in times_of.items()
    ]
    columns = ["", "bytes", "Casebus, µs", "JSONDecoder or JSONEncoder", "JSONSerialization", "the former to Casebus"]
    return "Codec: one message read or written, beside Foundation", [*columns, "the latter to Casebus"], rows


def foundation_ratio(data, work):
    """How many times Casebus's time the decoder or encoder takes, at least."""
    rows = [row for row in codec_table(data)[2] if row[0].startswith(work)]
    return min((float(row[5].split()[0]) for row in rows), default=None)


def budgets(r):
    """(what, budget, measured, held or not)"""

    def row(what, limit, value, text, at_least=False, unit=""):
        if value is None:
            return [what, limit, "–", "not measured"]
        target = float(text)
        held = value >= target if at_least else value <= target
        if held:
            return [what, limit, number(value, unit), "held"]
        return [what, limit, number(value, unit), f"missed by {abs(value / target - 1) * 100:.0f} %"]

    peers = [s for s in ("nchan", "nats", "mosquitto", "websockets") if s in r.servers("S1")]

    def best(scenario, metric, choose):
        values = [r.ratio(scenario, "casebus", metric, s) for s in peers if r.median(scenario, s, metric)]
        values = [v for v in values if v is not None]
        return choose(values) if values else None

    yield row(
        "S1 CPU per delivery to the floor", "≤ 1.1 ×", r.ratio("S1", "casebus", CPU, "floor-bare"), "1.1", unit=" ×"
    )
    yield row("S1 CPU per delivery to the best peer", "< 1 ×", best("S1", CPU, max), "1", unit=" ×")
    yield row("S2 million deliveries/s", "≥ 10", scaled(r.median("S2", "casebus", RATE), 1e-6), "10", True)
    yield row("S2 to the best peer", "≥ 3 ×", best("S2", RATE, min), "3", True, " ×")
    yield row(
        "S2 to the coalescing floor", "≥ 0.6 ×", r.ratio("S2", "casebus", RATE, "floor-coalesce"), "0.6", True, " ×"
    )
    yield row(
        "S3 CPU per delivery to the floor", "≤ 1.1 ×", r.ratio("S3", "casebus", CPU, "floor-bare"), "1.1", unit=" ×"
    )
    yield row("S3 CPU per delivery to the best peer", "< 1 ×", best("S3", CPU, max), "1", unit=" ×")
    yield row("S4 KiB per idle connection", "≤ 8", r.median("S3", "casebus", "rss_kib_per_connection"), "8")
    yield row("S5 connections/s", "≥ 10,000", r.median("S3", "casebus", "connections_per_second"), "10000", True)
    yield row(
        "S6 CPU per delivery to S1", "≤ 1.15 ×", r.ratio("S6", "casebus", CPU, "casebus", "S1"), "1.15", unit=" ×"
    )
    yield row("S6 CPU per delivery to nchan", "< 1 ×", r.ratio("S6", "casebus", CPU, "nchan"), "1", unit=" ×")
    yield row("S7 delivery p99, ms", "< 20", scaled(r.median("S7", "casebus", "latency_us/p99"), 1e-3), "20")
    yield row(
        "S7 monitors' delivery p99, ms", "< 20", scaled(r.median("S7", "casebus", "monitor_latency_us/p99"), 1e-3), "20"
    )
    yield row("S8 request p99 during S1, ms", "< 10", scaled(r.median("S1", "casebus", "probe_us/p99"), 1e-3), "10")
    yield row(
        "S9 the others' p99 to without slow consumers",
        "≤ 2 ×",
        r.ratio("S9", "casebus", "latency_us/p99", "casebus", "S9-none"),
        "2",
        unit=" ×",
    )
    yield row(
        "T1 CPU per delivery to the floor", "≤ 1.15 ×", r.ratio("T1", "casebus-tls", CPU, "floor-tls"), "1.15", unit=" ×"
    )
    yield row("T1 CPU per delivery to nchan", "< 1 ×", r.ratio("T1", "casebus-tls", CPU, "nchan-tls"), "1", unit=" ×")
    yield row("T2 KiB per idle TLS connection", "≤ 32", r.median("T2", "casebus-tls", "rss_kib_per_connection"), "32")
    yield row(
        "Codec: JSONDecoder to reading a message", "≥ 3 ×", foundation_ratio(r.data, "read"), "3", True, " ×"
    )
    yield row(
        "Codec: JSONEncoder to writing an event", "≥ 3 ×", foundation_ratio(r.data, "write"), "3", True, " ×"
    )


def scaled(value, factor):
    return None if value is None else value * factor


def tables(data, for_terminal=False):
    r = Results(data)
    all_tables = [("Budgets", ["what", "budget", "measured", "result"], list(budgets(r))), *scenario_tables(r)]
    all_tables.append(codec_table(data))
    return "\n\n".join(table(*t, for_terminal) for t in all_tables if t[2])


def table(heading, columns, rows, for_terminal):
    if not for_terminal:
        lines = [f"### {heading}", "", "| " + " | ".join(columns) + " |", "|---" + "|---:" * (len(columns) - 1) + "|"]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        for row in [columns, *rows]
    ]
    return "\n".join([heading, *["  " + line for line in lines]])


# ---- The chart ----

ROW, LABEL, BAR, GAP, PANEL = 18, 170, 250, 34, 520
COLORS = {"casebus": "#0b7285", "floor": "#adb5bd"}
COLOR_OF_PEERS = "#e8a33d"


def chart(data):
    r = Results(data)
    panels = [
        ("S1: CPU per delivery, µs (shorter is better)", "S1", CPU, 1),
        ("S2: million deliveries/s (longer is better)", "S2", RATE, 1e6),
        ("S3: 10,000 subscribers, CPU per delivery, µs (shorter is better)", "S3", CPU, 1),
        ("S4: KiB per idle connection (shorter is better)", "S3", "rss_kib_per_connection", 1),
        ("S5: connections/s (longer is better)", "S3", "connections_per_second", 1),
        ("S6: deflated, CPU per delivery, µs (shorter is better)", "S6", CPU, 1),
        ("T1: TLS, CPU per delivery, µs (shorter is better)", "T1", CPU, 1),
    ]
    drawn, heights = [], [8, 8]
    for title, scenario, metric, divisor in panels:
        bars = [(r.title(s), s, r.median(scenario, s, metric)) for s in r.servers(scenario)]
        bars = [(label, s, value / divisor) for label, s, value in bars if value is not None]
        if not bars:
            continue
        column = heights.index(min(heights))
        drawn.append(panel(title, bars, column * PANEL + 10, heights[column]))
        heights[column] += len(bars) * ROW + GAP
    height = max(heights)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * PANEL}" height="{height}" '
        f'viewBox="0 0 {2 * PANEL} {height}" '
        f'font-family="sans-serif" font-size="12">\n<title>Casebus beside other servers</title>\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def panel(title, bars, x, y):
    most = max(value for _, _, value in bars)
    lines = [f'<text x="{x}" y="{y + 12}" font-weight="bold" fill="#212529">{escaped(title)}</text>']
    for i, (label, server, value) in enumerate(bars):
        top, width = y + 20 + i * ROW, max(1, value / most * BAR)
        lines.append(
            f'<text x="{x + LABEL - 6}" y="{top + 12}" text-anchor="end" fill="#212529">{escaped(label)}</text>'
            f'<rect x="{x + LABEL}" y="{top + 2}" width="{width:.1f}" height="{ROW - 5}" '
            f'fill="{COLORS.get(server.split("-")[0], COLOR_OF_PEERS)}"/>'
            f'<text x="{x + LABEL + width + 5:.1f}" y="{top + 12}" fill="#212529">{number(value)}</text>'
        )
    return "\n".join(lines)


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;")


# ---- Files ----


def as_json(data):
    """One line for each run."""
    head = {key: value for key, value in data.items() if key != "runs"}
    lines = ",\n".join(json.dumps(run, ensure_ascii=False) for run in data["runs"])
    return json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "runs": [\n' + lines + "\n]}\n"


def save(data, folder):
    (folder / "results.json").write_text(as_json(data))
    (folder / "results.md").write_text(stated(data) + "\n\n" + tables(data) + "\n")
    (folder / "results.svg").write_text(chart(data))


def stated(data):
    m = data["machine"]
    versions = ", ".join(f"{data['titles'][s]} ({v})" for s, v in data["versions"].items())
    commands = commands_of(data, "S1", "casebus")
    text = (
        f"Measured {data['at']} on {m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB, "
        f"{m['system']}, Linux {m['kernel']}, {m['compiler']}. "
        f"{data['runs_per_server']} interleaved runs of each server; medians. {disturbances(data)}\n\nVersions: {versions}."
    )
    if "note" in data:
        text += "\n\n" + data["note"]
    if commands:
        text += "\n\nThe commands of S1 (those of every run are in the JSON):\n```\n" + "\n".join(commands) + "\n```"
    return text


def disturbances(data):
    """How often the machine was not the benchmark's alone. Runs under a second are too short for the kernel's ticks."""
    long_runs = [r["result"] for r in data["runs"] if r["result"].get("seconds", 0) > 1]
    disturbed = sum(r["other_cpu_share"] > 0.2 for r in long_runs)
    return f"In {disturbed} of {len(long_runs)} runs something else used more than a fifth of a core."


def commands_of(data, scenario, server):
    for run in data["runs"]:
        if (run["scenario"], run["server"]) == (scenario, server) and run["commands"]:
            return [shell(command) for command in run["commands"]]
    return []


def shell(command):
    short = [part.replace(str(ROOT) + "/", "") for part in command]
    short = ["casebus" if part.split("/")[-1].startswith("casebus") and "/" in part else part for part in short]
    return " ".join("'" + part + "'" if any(c in part for c in ' {"*?') else part for part in short)


def write_page(path):
    data = json.loads(path.read_text())
    PAGE.with_name("performance.json").write_text(as_json(data))
    PAGE.with_name("performance.svg").write_text(chart(data))
    before, rest = PAGE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    body = "\n\n".join(["", "![Casebus beside other servers](performance.svg)", stated(data), tables(data), ""])
    PAGE.write_text(before + BEGIN + body + END + after)
    print(f"written: {PAGE}, performance.json, performance.svg")
    return 0
