"""Tables and the page, from the results of journal_bench.py."""

import json
from statistics import median

from report import at_path, shell
from servers import ROOT

PAGE = ROOT / "Docs" / "reference" / "performance-journal.md"
BEGIN, END = "<!-- results: written by Tests/Benchmarks/journal_bench.py --page -->", "<!-- end of results -->"
RATE = "per_second"


class Results:
    """The runs that count: those in which everything was right."""

    def __init__(self, data):
        self.data = data

    def runs(self, scenario, server="casebus"):
        return [r for r in self.data["runs"] if (r["scenario"], r["server"]) == (scenario, server)]

    def values(self, scenario, server, metric):
        return {r["run"]: at_path(r["result"], metric) for r in self.runs(scenario, server) if r["result"]["ok"]}

    def median(self, scenario, server, metric):
        values = [v for v in self.values(scenario, server, metric).values() if v is not None]
        return median(values) if values else None

    def spread(self, scenario, server, metric):
        values = [v for v in self.values(scenario, server, metric).values() if v is not None]
        return f"{number(min(values))}–{number(max(values))}" if values else "–"

    def ratio(self, scenario, metric, other):
        """Casebus to the other, run by run."""
        mine, theirs = self.values(scenario, "casebus", metric), self.values(scenario, other, metric)
        ratios = [mine[n] / theirs[n] for n in mine if theirs.get(n)]
        return median(ratios) if ratios else None


def number(value, unit=""):
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit}"


def one_line(result):
    if not result["ok"]:
        return "DOES NOT COUNT: " + result.get("error", "")
    parts = []
    if "start_seconds" in result:
        return f"ready after {result['start_seconds']:.3f} s, all workspaces touched in {result['touch_seconds']:.3f} s"
    if RATE in result:
        parts.append(f"{result[RATE]:,.0f}/s, p50 {result['latency_us']['p50'] / 1e3:.1f} ms")
    if "resume_us" in result:
        parts.append(f"resumed: p50 {result['resume_us']['p50'] / 1e3:.0f} ms, last {result['resume_us']['max'] / 1e3:.0f} ms")
        if result["live_us"]:
            live, calm = result["live_us"], result["calm_us"]
            parts.append(f"live p99 {live['p99'] / 1e3:.1f} ms of {live['count']}, calm {calm['p99'] / 1e3:.1f} ms")
    return ", ".join(parts)


def budgets(r):
    """(what, budget, measured, held or not)"""

    def row(what, scenario, metric, limit, scale, unit, at_least=False):
        value = r.median(scenario, "casebus", metric)
        if value is None:
            return [what, "", "–", "not measured"]
        value *= scale
        held = value >= limit if at_least else value <= limit
        result = "held" if held else f"missed by {abs(value / limit - 1) * 100:.0f} %"
        return [what, f"{'≥' if at_least else '≤'} {limit:,} {unit}", number(value, " " + unit), result]

    yield row("J1 journaled publishes with fsync, one workspace", "J1", RATE, 40_000, 1, "/s", True)
    yield row("J2 the same over 100 workspaces", "J2", RATE, 60_000, 1, "/s", True)
    yield row("J3 start with 100,000 events of 1,000 workspaces", "J3", "start_seconds", 2, 1, "s")
    yield row("J4 resume of 10,000 events to one client", "J4", "resume_us/max", 200, 1e-3, "ms")
    yield row("J5 live p99 while 500 clients resume 1,000 events each", "J5", "live_us/p99", 100, 1e-3, "ms")


def publishing(r):
    titles = {
        "J1": "J1, 8 sources", "J1-one": "J1, one source", "J1-state": "J1, 8 sources, states, messageId",
        "J2": "J2, 100 sources",
    }  # fmt: skip
    for scenario, title in titles.items():
        for server in r.data["titles"]:
            if r.median(scenario, server, RATE) is None:
                continue
            ratio = None if server == "casebus" else r.ratio(scenario, RATE, server)
            yield [
                title, r.data["titles"][server], number(r.median(scenario, server, RATE)),
                r.spread(scenario, server, RATE), number(scaled(r.median(scenario, server, "latency_us/p50"))),
                number(scaled(r.median(scenario, server, "latency_us/p99"))),
                number(r.median(scenario, server, "server_cpu_seconds")), number(ratio, " ×"),
            ]  # fmt: skip


def scaled(value):
    return None if value is None else value / 1e3


def others(r):
    def ms(scenario, metric):
        return number(scaled(r.median(scenario, "casebus", metric)), " ms")

    yield ["J3", "from exec to /ready, after kill -9", number(r.median("J3", "casebus", "start_seconds"), " s")]
    yield ["J3", "then a publish in each of the 1,000 workspaces", number(r.median("J3", "casebus", "touch_seconds"), " s")]
    yield ["J4", "from subscribe to the 10,000th event, broker just started", ms("J4", "resume_us/max")]
    yield ["J5", "a client has its 1,000 events, median", ms("J5", "resume_us/p50")]
    yield ["J5", "the last of the 500 has them", ms("J5", "resume_us/max")]
    yield ["J5", "live p50 meanwhile (50 clients, 200 events/s, same workspace)", ms("J5", "live_us/p50")]
    yield ["J5", "live p99 meanwhile", ms("J5", "live_us/p99")]
    each = [number(scaled(v)) for v in r.values("J5", "casebus", "live_us/p99").values()]
    yield ["J5", "live p99 meanwhile, each run", ", ".join(each) + " ms"]
    yield ["J5", "live p99 in the two seconds before", ms("J5", "calm_us/p99")]


def tables(data):
    r = Results(data)
    failed = sum(not run["result"]["ok"] for run in data["runs"])
    parts = [
        table("Budgets", ["what", "budget", "measured", "result"], budgets(r)),
        table(
            "Publishing, each answered when it is durable, 256 in flight per source, 200 bytes",
            ["scenario", "store", "events/s, median", "lowest–highest", "p50, ms", "p99, ms", "server CPU, s", "Casebus to it"],
            publishing(r),
        ),
        table("Starting and resuming", ["scenario", "what", "median"], others(r)),
    ]
    if failed:
        parts.append(f"{failed} of {len(data['runs'])} runs do not count: something was wrong in them.")
    return "\n\n".join(parts)


def table(heading, columns, rows):
    lines = [f"### {heading}", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def stated(data):
    m, d = data["machine"], data["disk"]
    versions = ", ".join(f"{data['titles'][s]}: {v}" for s, v in data["versions"].items())
    commands = [shell(c) for run in data["runs"] if run["scenario"] == "J1" and run["run"] == 0 for c in run["commands"]]
    return (
        f"Measured {data['at']} on {m['processor']}, {m['cores']} cores, {m['memory_gib']} GiB, {m['system']}, "
        f"Linux {m['kernel']}; {d['file_system']} on {d['device']}, where 4 KiB and fdatasync take "
        f"{d['fdatasync_us']} µs. {data['runs_per_server']} interleaved runs, medians.\n\nVersions: {versions}.\n\n"
        + (data["note"] + "\n\n" if "note" in data else "")
        + "The commands of J1 (those of every run are in the JSON):\n```\n" + "\n".join(commands) + "\n```"
    )


def as_json(data):
    """One line for each run."""
    head = {key: value for key, value in data.items() if key != "runs"}
    lines = ",\n".join(json.dumps(run, ensure_ascii=False) for run in data["runs"])
    return json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "runs": [\n' + lines + "\n]}\n"


def write_page(path):
    data = json.loads(path.read_text())
    PAGE.with_name("performance-journal.json").write_text(as_json(data))
    before, rest = PAGE.read_text().split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n\n" + stated(data) + "\n\n" + tables(data) + "\n\n" + END + after)
    print(f"written: {PAGE}, performance-journal.json")
    return 0
