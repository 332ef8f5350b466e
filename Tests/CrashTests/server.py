"""The broker under test: killed and started again on the same data directory, as often as one likes."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "SocketTests"))

from broker_process import BINARY, URL  # noqa: E402

# How long a start may take. Generous: the machine may be busy, the build a debug build.
START_SECONDS = 30


class BrokerFailed(AssertionError):
    """The broker ended by itself, or never began to listen."""


class Server:
    """`casebus serve` on one data directory. `port` is None while it does not listen."""

    def __init__(self, *options, prepare=None, environment=None, after_kill=None, lost=None):
        self.options = options
        # Runs in the new process before the broker does.
        self.prepare = prepare
        # Runs when it was killed; counts what it took away.
        self.after_kill = after_kill or (lambda: None)
        self.lost = {} if lost is None else lost
        self.environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no", **(environment or {})}
        self.errors = tempfile.TemporaryFile()
        self.process = None
        self.port = None
        self.starts = 0
        self.start_seconds = []
        self.listening = asyncio.Event()

    @property
    def pid(self):
        return self.process.pid

    async def spawn(self):
        """A process that may not listen yet."""
        self.process = await asyncio.create_subprocess_exec(
            BINARY, "serve", "--port", "0", *self.options, stdin=asyncio.subprocess.DEVNULL, stderr=self.errors,
            stdout=asyncio.subprocess.PIPE, preexec_fn=self.prepare, env=self.environment,
        )  # fmt: skip
        self.starts += 1

    async def start(self):
        began = time.monotonic()
        await self.spawn()
        try:
            async with asyncio.timeout(START_SECONDS):
                while line := await self.process.stdout.readline():
                    if match := URL.search(line.decode()):
                        self.port = int(match[2])
                        self.start_seconds.append(time.monotonic() - began)
                        self.listening.set()
                        return
        except TimeoutError:
            raise BrokerFailed(f"it does not listen after {START_SECONDS} s: {self.error_text()}") from None
        raise BrokerFailed(f"it ended with {await self.process.wait()} before it listened: {self.error_text()}")

    def check_alive(self):
        if self.process.returncode is not None:
            raise BrokerFailed(f"it ended by itself with {self.process.returncode}: {self.error_text()}")

    async def kill(self):
        """kill -9, by its pid."""
        self.check_alive()
        self.gone()
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()
        self.after_kill()

    async def stop(self):
        """Ends it as an operator does."""
        self.check_alive()
        self.gone()
        self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(START_SECONDS):
                status = await self.process.wait()
        except TimeoutError:
            raise BrokerFailed(f"it does not stop: {self.error_text()}") from None
        if status != 0:
            raise BrokerFailed(f"it stopped with {status}: {self.error_text()}")

    async def end(self):
        """Whatever state it is in."""
        self.gone()
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
            self.after_kill()

    def gone(self):
        self.port = None
        self.listening.clear()

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")[-3000:]
