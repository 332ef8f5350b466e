#!/usr/bin/env python3
"""Measures Casebus beside other servers, or (--smoke) only checks that it delivers. Standard Python and a C compiler.

  Tests/Benchmarks/bench.py              everything, 3 interleaved runs: .build/benchmarks/results.{json,md,svg}
  Tests/Benchmarks/bench.py --smoke      small sizes, no peers, no timings; exit status 1 if a delivery is wrong
  Tests/Benchmarks/bench.py --page       puts the last results into Docs/reference/performance.md
The broker is CASEBUS_BINARY, or else what `swift build` left in .build/release (--smoke: .build/debug).
"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report
from scenarios import SCENARIOS
from servers import (
    BUILD,
    FILES_MAX,
    FOLDER,
    ROOT,
    Casebus,
    CasebusTLS,
    Floor,
    FloorTLS,
    Mosquitto,
    Nats,
    Nchan,
    NchanTLS,
    Running,
    Websockets,
    first_line,
    pinned,
)

COMPILER = os.environ.get("CC") or next((c for c in ("gcc", "cc", "clang") if shutil.which(c)), "cc")
FILES_OF_A_PROCESS = 100  # beside the connections


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server of the run is ended, too
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="correctness only")
    parser.add_argument("--page", action="store_true", help="write the page from the last results, measure nothing")
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs (3)")
    parser.add_argument("--only", default="", help="scenarios, such as S1,S2")
    parser.add_argument("--servers", default="", help="servers, such as casebus,floor-bare")
    parser.add_argument("--minutes", type=float, default=60, help="begin no further scenario after this time")
    parser.add_argument("--add", action="store_true", help="add to the last results, in place of what is measured anew")
    arguments = parser.parse_args()
    if arguments.page:
        return report.write_page(BUILD / "results.json")
    compile_programs()
    servers = available_servers(arguments)
    selected = [s for s in SCENARIOS if not arguments.only or s.id.split("-")[0] in arguments.only.split(",")]
    return smoke(servers, selected) if arguments.smoke else measure(servers, selected, arguments)


def compile_programs():
    BUILD.mkdir(parents=True, exist_ok=True)
    flags = ["-O2", "-Wall", "-Wextra"]
    load = [str(FOLDER / name) for name in ("wsload.c", "connection.c", "usage.c")]
    subprocess.run([COMPILER, *flags, "-o", str(BUILD / "wsload"), *load, "-lssl", "-lcrypto", "-lz", "-lm"], check=True)
    subprocess.run(
        [COMPILER, *flags, "-o", str(BUILD / "floor"), str(FOLDER / "floor.c"), "-lssl", "-lcrypto", "-lz"], check=True
    )


def binary(smoke):
    path = os.environ.get("CASEBUS_BINARY") or str(ROOT / ".build" / ("debug" if smoke else "release") / "casebus")
    if not os.access(path, os.X_OK):
        sys.exit(f"no broker at {path}: build it, or set CASEBUS_BINARY")
    return path


def available_servers(arguments):
    all_servers = [
        Casebus(binary(arguments.smoke)),
        Floor("bare", "C floor: one send() each"),
        Floor("coalesce", "C floor: one send() per tick"),
        Floor("deflate", "C floor: deflated once"),
        Floor("workspaces", "C floor: one send() each, monitors once in 1 ms"),
        FloorTLS(),
        CasebusTLS(binary(arguments.smoke)),
        *([] if arguments.smoke else [Nchan(), Nats(), Mosquitto(), Websockets(), NchanTLS()]),
    ]
    servers = {}
    for server in all_servers:
        why = server.missing()
        if why:
            print(f"without {server.title}: {why}")
        elif not arguments.servers or server.name in arguments.servers.split(","):
            servers[server.name] = server
    return servers


def run_once(scenario, server, short):
    """One run of one server. Returns what wsload printed, and how it was run."""
    two_cores = len(os.sched_getaffinity(0)) > 1 and not short
    with tempfile.TemporaryDirectory(prefix="casebus-bench-") as folder:
        os.chmod(folder, 0o755)
        with Running(server, Path(folder), scenario.deflate, 0 if two_cores else None) as running:
            options = ["--port", str(running.port), "--server", running.processes(), *scenario.options(server, short)]
            command = pinned([str(BUILD / "wsload"), *options], 1 if two_cores else None)
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=90)
            except subprocess.TimeoutExpired:
                done = subprocess.CompletedProcess(command, 4, "", "took more than 90 s")
    result = json.loads(done.stdout) if done.stdout else {"ok": False}
    if (
        scenario.one_frame_per_event
        and server.name in scenario.one_frame_per_event
        and result.get("frames") != result.get("delivered")
    ):
        result["ok"] = False
    if not result["ok"]:
        result["error"] = done.stderr.strip()[-1000:] or f"exit status {done.returncode}"
    return {
        "scenario": scenario.id,
        "server": server.name,
        "result": result,
        "commands": [running.command, [without_padding(part) for part in command]],
    }


def without_padding(text):
    return re.sub("x{100,}", lambda match: f"<{len(match[0])} × x>", text)


def fits(scenario, short):
    return scenario.sizes(short)["subscribers"] + FILES_OF_A_PROCESS <= FILES_MAX


def notices_a_wrong_byte(scenario, server):
    """Whether wsload refuses what the server delivers when another text is due."""

    class Mistaken:
        name = "mistaken"
        command = staticmethod(server.command)
        probe = staticmethod(server.probe)

        @staticmethod
        def load(padding):
            return [
                *server.load(padding),
                "--delivered",
                server.load(padding)[-1].replace("CASE_SELECTED", "CASE_SELECTEE"),
            ]

    return not run_once(scenario, Mistaken, True)["result"]["ok"]


def smoke(servers, selected):
    failures = 0
    if "floor-bare" in servers and not notices_a_wrong_byte(SCENARIOS[0], servers["floor-bare"]):
        print("WRONG wsload does not notice a wrong byte")
        failures = 1
    for scenario in selected:
        for name in scenario.servers:
            if name not in servers:
                continue
            if not fits(scenario, True):
                print(f"skip  {scenario.id} {name}: only {FILES_MAX} files may be open")
                continue
            result = run_once(scenario, servers[name], True)["result"]
            failures += not result["ok"]
            print(
                f"{'ok   ' if result['ok'] else 'WRONG'} {scenario.id} {name}: "
                f"{result.get('delivered', 0)} of {result.get('expected', '?')} deliveries"
            )
            if not result["ok"]:
                print(result["error"])
    return 1 if failures else 0


def measure(servers, selected, arguments):
    results = {
        "at": time.strftime("%Y-%m-%d %H:%M %Z"),
        "machine": machine(),
        "runs_per_server": arguments.runs,
        "versions": {name: server.version() for name, server in servers.items() if server.version()},
        "titles": {name: server.title for name, server in servers.items()},
        "runs": [],
    }
    if arguments.add:
        replaced = [(scenario.id, name) for scenario in selected for name in servers]
        previous = json.loads((BUILD / "results.json").read_text())
        results["runs"] = [run for run in previous["runs"] if (run["scenario"], run["server"]) not in replaced]
        results["titles"] = {**previous["titles"], **results["titles"]}
        results["versions"] = {**previous["versions"], **results["versions"]}
        results["at"] = f"{previous['at'].split(' to ')[0]} to {results['at']}"
    started = time.monotonic()
    for scenario in selected:
        names = [name for name in scenario.servers if name in servers]
        if not fits(scenario, False):
            print(f"without {scenario.id}: only {FILES_MAX} files may be open")
            continue
        if time.monotonic() - started > arguments.minutes * 60:
            print(f"without {scenario.id}: no time left")
            continue
        print(f"\n{scenario.id} {scenario.title}", flush=True)
        for number in range(arguments.runs):
            for name in names:
                try:
                    run = run_once(scenario, servers[name], False)
                except RuntimeError as error:
                    run = {
                        "scenario": scenario.id,
                        "server": name,
                        "result": {"ok": False, "error": str(error)},
                        "commands": [],
                    }
                results["runs"].append({**run, "run": number})
                print(
                    f"  {int(time.monotonic() - started):4} s  run {number + 1}  {name:15} "
                    + report.one_line(scenario.id, run["result"]),
                    flush=True,
                )
            report.save(results, BUILD)
    print("\n" + report.tables(results, for_terminal=True))
    print(f"written: {BUILD}/results.json, results.md, results.svg")
    return 0


def machine():
    processor = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().split("\n")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    system = first_line(["sh", "-c", ". /etc/os-release && echo $PRETTY_NAME"])
    memory = next(
        int(line.split()[1]) for line in Path("/proc/meminfo").read_text().split("\n") if line.startswith("MemTotal")
    )
    virtual = " (virtual machine)" if " hypervisor " in Path("/proc/cpuinfo").read_text() else ""
    return {
        "processor": processor + virtual,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 1048576, 1),
        "kernel": platform.release(),
        "system": system,
        "compiler": first_line([COMPILER, "--version"]),
        "files_max": FILES_MAX,
    }


if __name__ == "__main__":
    sys.exit(main())
