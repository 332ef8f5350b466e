#!/usr/bin/env python3
"""Kills the broker at random moments under load, and proves that its clients do not notice (Docs/internals/crash-tests.md).

  Tests/CrashTests/crash.py --kills 200
  Tests/CrashTests/crash.py --kills 20 --seed 4711       the same choices; the moments are as close as the machine allows
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import powercut
from bots import Bot, Consumer
from checker import check_run
from export import check_export
from history import JOURNALED, Violation
from roles import Commander, Subscriber
from run import Run
from server import BINARY, BrokerFailed, Server


def arguments_of(description, **counts):
    """The arguments of one of these programs; `counts`: what it counts, and how many of it by default."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, count in counts.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workspaces", type=int, default=4)
    parser.add_argument("--rate", type=float, default=150, help="commands/s of each of the clients that send some")
    parser.add_argument("--keep", action="store_true", help="leave the data directory where it is")
    return parser


def main_of(body, parser):
    """Runs one of these programs with a seed and a folder of its own; says how to run it again when it fails."""
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1 << 32)
    folder = Path(tempfile.mkdtemp(prefix="casebus-crash-"))
    print(f"seed {arguments.seed}, {BINARY}, data in {folder}", flush=True)
    try:
        asyncio.run(body(arguments, arguments.seed, folder))
    except (Violation, BrokerFailed) as error:
        words = " ".join(
            f"--{name}" if value is True else f"--{name} {value}" for name, value in vars(arguments).items() if value
        )
        print(f"FAILED {error}\nagain: {sys.argv[0]} {words}\ndata: {folder}", flush=True)
        return 1
    if not arguments.keep:
        shutil.rmtree(folder)
    return 0


async def crash(arguments, seed, folder):
    data = folder / "data"
    server = Server(*options(data, arguments.durability), **(power_cuts(folder, data, seed) if arguments.power else {}))
    run = Run(seed, server)
    began = time.monotonic()
    try:
        await server.start()
        run.add_load(arguments.workspaces, rate=arguments.rate)
        add_bots(run)
        in_flight = await kill_and_start(run, arguments.kills)
        await run.quiesce()
        await last_restart(run)
        await run.finish()
        await server.stop()
    finally:
        await server.end()
    proven = check_run(run.history, run.end_of)
    proven["events exported"] = await check_export(run, data)
    report(run, proven, in_flight, time.monotonic() - began)


def options(data, durability="full", *more):
    return (
        "--journal", "sqlite", "--data", str(data), "--durability", durability,
        "--block-markdone-timeout", "700", "--log-level", "warning", *more,
    )  # fmt: skip


def power_cuts(folder, data, seed):
    """The broker writes down what it writes; after each kill a part of what no fsync has covered is taken away."""
    log = folder / "writes"
    dice, lost = random.Random(f"{seed}/power"), Counter()

    def cut():
        lost.update(dict(zip(("writes not covered", "writes lost"), powercut.cut(log, dice))))

    environment = powercut.environment(powercut.compile_library(folder), data, log)
    return {"environment": environment, "after_kill": cut, "lost": lost}


def add_bots(run):
    """A consumer with two sessions that share, one with one session, one of all workspaces."""
    workspace = run.workspaces[0]
    shared = Consumer("crm-bot", workspace, ("interaction", "markdone"), run.history)
    for number in range(2):
        run.add(Bot(shared, number, run))
    run.add(Bot(Consumer("archive", workspace, JOURNALED, run.history), 0, run))
    run.add(Bot(Consumer("wrap-up", "*", ("markdone",), run.history), 0, run))


async def kill_and_start(run, kills):
    """Gives how many commands were in flight at each kill."""
    server, dice, in_flight = run.server, run.random, []
    for number in range(1, kills + 1):
        # Most often amid the load, sometimes as soon as it listens.
        await run.pause(dice.choice((dice.uniform(0, 0.03), dice.uniform(0.02, 0.6), dice.uniform(0.02, 1.2))))
        in_flight.append(sum(len(c.pending) for c in run.of(Commander)))
        await server.kill()
        if dice.random() < 0.15:
            await kill_while_starting(server, dice)
        await server.start()
        if dice.random() < 0.05:
            await run.pause(dice.uniform(0, 0.5))
            await server.stop()
            await server.start()
        if number % 10 == 0 or number == kills:
            events = sum(len(s.events) for s in run.history.streams.values())
            print(f"  {number} of {kills} kills, {events} events", flush=True)
    await run.pause(0.3)
    return in_flight


async def kill_while_starting(server, dice):
    await server.spawn()
    await asyncio.sleep(dice.uniform(0, 0.1))
    await server.end()


async def last_restart(run):
    """A broker that has only the journal: clients that begin now see everything, and the state is as it was."""
    await run.server.kill()
    await run.server.start()
    auditors = [run.add(Subscriber(f"{w}-auditor", w, run, is_state_asked=True)) for w in run.workspaces]
    await run.until(lambda: f"all have everything: {run.behind()}", lambda: not run.behind())
    for auditor in auditors:
        run.history.counts["events replayed from the beginning"] += auditor.offset


def report(run, proven, in_flight, seconds):
    starts = sorted(run.server.start_seconds)
    with_load = sum(count > 0 for count in in_flight)
    print(
        f"ok: {len(in_flight)} kills ({with_load} with commands in flight, {sum(in_flight)} of them), "
        f"{run.server.starts} starts (median {starts[len(starts) // 2] * 1000:.0f} ms, "
        f"longest {starts[-1] * 1000:.0f} ms), {seconds:.0f} s"
    )
    print("  " + ", ".join(f"{count} {what}" for what, count in (*sorted(proven.items()), *sorted(run.history.counts.items()), *run.server.lost.items())))


if __name__ == "__main__":
    parser = arguments_of(__doc__, kills=200)
    parser.add_argument("--power", action="store_true", help="each kill is a power cut: what no fsync covered is lost")
    parser.add_argument("--durability", default="full", help="with --power, `normal` must fail: the check of this check")
    sys.exit(main_of(crash, parser))
