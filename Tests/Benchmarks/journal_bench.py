#!/usr/bin/env python3
"""Measures the journal: publishing with fsync beside other stores on the same disk, starting, resuming.

  Tests/Benchmarks/journal_bench.py                 everything, 3 interleaved runs: .build/benchmarks/journal.{json,md}
  Tests/Benchmarks/journal_bench.py --only J1,J3    some of it, in place of what was measured before (--add)
  Tests/Benchmarks/journal_bench.py --smoke         small sizes, for correctness only; exit status 1 if anything is wrong
  Tests/Benchmarks/journal_bench.py --page          writes the last results into Docs/reference/performance-journal.md
The broker is CASEBUS_BINARY, or else what `swift build` left in .build/release (--smoke: .build/debug).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import journal_report
from bench import COMPILER, binary, machine
from journal_servers import CasebusJournal, JetStream, RedisStreams
from servers import BUILD, FOLDER, Running, free_port

LOADS = BUILD / "journal-loads"
PAYLOAD_BYTES, WINDOW = 200, 256
# id: what, sources, workspaces, events, what is published, servers
PUBLISHING = {
    "J1": ("one workspace, 8 sources", 8, 1, 200_000, ["agent"], ["casebus", "nats", "redis"]),
    "J1-one": ("one workspace, one source", 1, 1, 100_000, ["agent"], ["casebus", "nats", "redis"]),
    "J1-state": ("one workspace, 8 sources, states of interactions, with messageId", 8, 1, 200_000,
                 ["interaction", "messageId"], ["casebus"]),
    "J2": ("100 workspaces, a source in each", 100, 100, 300_000, ["agent"], ["casebus", "nats", "redis"]),
}  # fmt: skip
CASEBUS_ONLY = ["J3", "J4", "J5"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="correctness only")
    parser.add_argument("--page", action="store_true", help="write the page from the last results, measure nothing")
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs (3)")
    parser.add_argument("--only", default="", help="such as J1,J2")
    parser.add_argument("--add", action="store_true", help="keep what was measured before and is not measured now")
    arguments = parser.parse_args()
    if arguments.page:
        return journal_report.write_page(BUILD / "journal.json")
    compile_loads()
    bench = Bench(binary(arguments.smoke), arguments.smoke)
    wanted = [s for s in [*PUBLISHING, *CASEBUS_ONLY] if not arguments.only or s in arguments.only.split(",")]
    return bench.measure(wanted, 1 if arguments.smoke else arguments.runs, arguments.add)


def compile_loads():
    LOADS.mkdir(parents=True, exist_ok=True)
    for program in ("publishload", "resumeload"):
        sources = [str(FOLDER / name) for name in (program + ".c", "client.c")]
        subprocess.run([COMPILER, "-O2", "-Wall", "-Wextra", "-o", str(LOADS / program), *sources], check=True)


def load(program, *words):
    """One run of a load program; its result, and how it was run."""
    command = [str(LOADS / program), *map(str, words)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return {"ok": False, "error": "took more than 120 s"}, command
    if done.returncode != 0 or not done.stdout:
        return {"ok": False, "error": done.stderr.strip()[-600:] or f"exit status {done.returncode}"}, command
    return json.loads(done.stdout), command


class Bench:
    def __init__(self, path, short):
        self.casebus = CasebusJournal(path)
        self.short = short
        peers = [] if short else [JetStream(), RedisStreams()]
        self.servers = {s.name: s for s in [self.casebus, *peers] if not s.missing()}
        for peer in peers:
            if peer.missing():
                print(f"without {peer.title}: {peer.missing()}")

    def measure(self, wanted, runs, adds):
        results = self.new_results(runs)
        path = BUILD / "journal.json"
        if adds and path.exists():
            before = json.loads(path.read_text())
            results["runs"] = [r for r in before["runs"] if r["scenario"] not in wanted]
        began, failures = time.monotonic(), 0
        for scenario in wanted:
            for number in range(runs):
                for name, result, commands in self.run(scenario):
                    failures += not result["ok"]
                    run = {"scenario": scenario, "server": name, "run": number, "result": result, "commands": commands}
                    results["runs"].append(run)
                    seconds = time.monotonic() - began
                    print(f"{seconds:4.0f} s  {scenario:8} {name:8} {journal_report.one_line(result)}", flush=True)
        if not self.short:
            path.write_text(journal_report.as_json(results))
            print("\n" + journal_report.tables(results))
        return 1 if failures else 0

    def new_results(self, runs):
        return {
            "at": time.strftime("%Y-%m-%d %H:%M %Z"), "machine": machine(), "disk": disk_of(BUILD),
            "runs_per_server": runs, "versions": {n: s.version() for n, s in self.servers.items()},
            "titles": {n: s.title for n, s in self.servers.items()}, "runs": [],
        }  # fmt: skip

    def run(self, scenario):
        """Gives (server, result, commands) for each server, one after the other."""
        if scenario in PUBLISHING:
            names = [n for n in PUBLISHING[scenario][-1] if n in self.servers]
            return (self.guarded(n, self.publish, scenario, self.servers[n]) for n in names)
        body = {"J3": self.start, "J4": self.resume_one, "J5": self.resume_many}[scenario]
        return (self.guarded("casebus", body) for _ in range(1))

    @staticmethod
    def guarded(name, body, *words):
        with tempfile.TemporaryDirectory(prefix="journal-", dir=BUILD) as folder:
            try:
                result, commands = body(*words, Path(folder))
            except RuntimeError as error:
                result, commands = {"ok": False, "error": str(error)}, []
        return name, result, commands

    # ---- J1, J2: publishing ----

    def publish(self, scenario, server, folder):
        _, sources, workspaces, events, words, _ = PUBLISHING[scenario]
        if self.short:
            events = 4_000
        with Running(server, folder, False, None) as running:
            server.prepare(running.port)
            result, command = load(
                "publishload", server.name, running.port, sources, workspaces, events, WINDOW, PAYLOAD_BYTES, *words
            )
            result["server_cpu_seconds"] = cpu_seconds(running.process.pid)
            kept = server.kept(running.port, folder)
            commands = [running.command, command]
        if server is self.casebus:
            kept = self.kept_events(folder / "data")
        if result["ok"] and kept != events:
            result.update(ok=False, error=f"{kept} of {events} events are kept")
        return result, commands

    def kept_events(self, data):
        lines = subprocess.run(
            [self.casebus.binary, "journal", "info", "--data", str(data)], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        return next(int(line.split()[1].replace(",", "")) for line in lines if line.startswith("events "))

    # ---- J3: starting ----

    def start(self, folder):
        workspaces, events = (20, 2_000) if self.short else (1_000, 100_000)
        with Running(self.casebus, folder, False, None) as running:
            words = [workspaces, workspaces, events, 16, PAYLOAD_BYTES, "interaction", "messageId"]
            filled, command = load("publishload", "casebus", running.port, *words)
            # As after a crash: nothing is tidied up.
            running.process.kill()
            running.process.wait()
        if not filled["ok"]:
            return filled, [command]
        port = free_port()
        began = time.monotonic()
        process = subprocess.Popen(self.casebus.command(port, folder), stdout=subprocess.DEVNULL)
        try:
            ready = wait_until_ready(port, process) - began
            opened, touch = load("publishload", "casebus", port, workspaces, workspaces, workspaces, 1, PAYLOAD_BYTES)
            return {**opened, "start_seconds": ready, "touch_seconds": opened.get("seconds")}, [command, touch]
        finally:
            process.kill()
            process.wait()

    # ---- J4, J5: resuming ----

    def filled(self, folder, events):
        """A data directory with one workspace."""
        with Running(self.casebus, folder, False, None) as running:
            result, _ = load("publishload", "casebus", running.port, 8, 1, events, WINDOW, PAYLOAD_BYTES, "agent")
            if not result["ok"]:
                raise RuntimeError(result["error"])

    def resume(self, folder, events, *words):
        self.filled(folder, events)
        with Running(self.casebus, folder, False, None) as running:
            result, command = load("resumeload", running.port, "bench-0", *words)
            return result, [running.command, command]

    def resume_one(self, folder):
        events = 1_000 if self.short else 10_000
        return self.resume(folder, events, events, 1, 0, 0)

    def resume_many(self, folder):
        clients, events, live = (20, 200, 5) if self.short else (500, 1_000, 50)
        return self.resume(folder, 2 * events, events, clients, live, 200)


def wait_until_ready(port, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5).status == 200:
                return time.monotonic()
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None:
                raise RuntimeError("the broker ended while it started") from None
            time.sleep(0.002)
    raise RuntimeError("not ready after 60 s")


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def disk_of(folder):
    """The file system under the data, and what one write with fsync costs on it."""
    kind = subprocess.run(["df", "--output=source,fstype", folder], capture_output=True, text=True).stdout.split()[-2:]
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(200):
            began = time.monotonic()
            os.write(file.fileno(), bytes(4096))
            os.fdatasync(file.fileno())
            times.append(time.monotonic() - began)
    return {"device": kind[0], "file_system": kind[1], "fdatasync_us": round(sorted(times)[100] * 1e6)}


if __name__ == "__main__":
    sys.exit(main())
