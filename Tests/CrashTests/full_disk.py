#!/usr/bin/env python3
"""A disk that is full, and then is not, while clients go on (Docs/internals/crash-tests.md).

  Tests/CrashTests/full_disk.py --rounds 5 --seed 4711
As root on a tmpfs of its own; with a limit of the size of files (setrlimit(2), RLIMIT_FSIZE); and with an fsync that
fails (powercut.c).
"""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager

import powercut
from checker import check_run
from crash import arguments_of, main_of, options, report
from history import Violation
from roles import Commander, Subscriber
from run import Run
from server import Server

TMPFS_BYTES, BALLAST_BYTES = 96 << 20, 64 << 20


class Tmpfs:
    """A small disk of its own, filled by a file beside the journal."""

    kill_chance = 0.3

    def __init__(self, folder):
        self.folder = folder / "disk"
        self.data = self.folder / "data"
        self.prepare = self.environment = None

    @contextmanager
    def mounted(self):
        self.folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "casebus-crash", self.folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", self.folder], check=True)

    def fill(self, server):
        with open(self.folder / "ballast", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass
        # The last pages, too.
        with open(self.folder / "crumbs", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

    def make_room(self, server):
        (self.folder / "ballast").unlink()
        (self.folder / "crumbs").unlink()


class SizeLimit:
    """No file may grow; writing beyond the end fails with EFBIG."""

    kill_chance = 0.3
    environment = None

    def __init__(self, folder):
        self.data = folder / "data"

    @contextmanager
    def mounted(self):
        yield

    @staticmethod
    def prepare():
        # Else the signal would end the broker. What is ignored stays ignored over exec.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(self, server):
        log = max((path.stat().st_size for path in self.data.glob("*-wal")), default=0)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (log + (1 << 14), resource.RLIM_INFINITY))

    def make_room(self, server):
        if server.process.returncode is None:
            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class FailingSync:
    """Every fsync fails: what was written may be on the disk or not."""

    kill_chance = 0.7

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        self.prepare = None
        self.fails = folder / "fails"
        self.environment = {
            **powercut.environment(powercut.compile_library(folder), self.data, folder / "writes"),
            "POWERCUT_FAILS": str(self.fails),
        }

    @contextmanager
    def mounted(self):
        yield

    def fill(self, server):
        self.fails.touch()

    def make_room(self, server):
        self.fails.unlink()


def disks():
    """What this user can do: a tmpfs only as root, and where mounting is allowed."""
    can_mount = os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    return [*([Tmpfs] if can_mount else []), SizeLimit, FailingSync]


async def full_disk(arguments, seed, folder):
    for kind in disks():
        (folder / kind.__name__).mkdir()
        disk = kind(folder / kind.__name__)
        with disk.mounted():
            await fill_and_make_room(arguments, f"{seed}/{kind.__name__}", disk)


async def fill_and_make_room(arguments, seed, disk):
    server = Server(*options(disk.data), prepare=disk.prepare, environment=disk.environment)
    run = Run(seed, server)
    run.may_refuse = True
    try:
        await server.start()
        run.add_load(arguments.workspaces, rate=arguments.rate)
        # These give up what the journal refuses; the others send it again.
        for commander in run.of(Commander)[::2]:
            commander.persists = False
        for _ in range(arguments.rounds):
            await one_round(run, disk)
        await run.quiesce()
        await run.finish()
        await server.stop()
    finally:
        await server.end()
    proven = check_run(run.history, run.end_of)
    print(f"{type(disk).__name__}:", end=" ")
    report(run, proven, [], 0)


async def one_round(run, disk):
    server = run.server
    await run.pause(run.random.uniform(0.2, 1))
    connections = steady_connections(run)
    refused = run.history.counts["commands refused"]
    disk.fill(server)
    await run.until(
        lambda: "a full disk was noticed", lambda: run.history.counts["commands refused"] > refused, seconds=30
    )
    await until_ready(run, 503)
    ends = {w: run.end_of(w) for w in run.workspaces}
    await run.pause(run.random.uniform(0.2, 1))
    # A commit that fits into pages that are there already may still succeed; nothing may be refused and happen.
    if run.random.random() < disk.kill_chance:
        await server.kill()
        disk.make_room(server)
        await server.start()
        connections = None
    else:
        disk.make_room(server)
    await until_ready(run, 200)
    await run.until(
        lambda: "commands succeed again", lambda: all(run.end_of(w) > ends[w] for w in run.workspaces), seconds=30
    )
    if connections is not None and steady_connections(run) != connections:
        raise Violation("a subscriber lost its connection while the disk was full")


def steady_connections(run):
    return [s.connections for s in run.of(Subscriber) if not s.restless_seconds]


async def until_ready(run, status):
    async def ask():
        return await asyncio.to_thread(status_of, f"http://127.0.0.1:{run.server.port}/ready")

    for _ in range(300):
        if await ask() == status:
            return
        await run.pause(0.1)
    raise Violation(f"/ready is still not {status}")


def status_of(url):
    try:
        return urllib.request.urlopen(url, timeout=5).status
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    sys.exit(main_of(full_disk, arguments_of(__doc__, rounds=5)))
