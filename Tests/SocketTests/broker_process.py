"""A broker of its own process, as a test starts and ends it."""

import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from over_tls import OVER_TLS, SERVER_OPTIONS

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("CASEBUS_BINARY", str(REPOSITORY / ".build" / "debug" / "casebus"))
# The programs for tests, beside it.
DEVTOOLS = f"{BINARY}-devtools"
# How long anything may take that the broker does at once. Generous: the machine may be busy.
PATIENCE = 15.0
URL = re.compile(r"(wss?://127\.0\.0\.1:(\d+)/v2)\b")


def read_line(process, timeout=PATIENCE):
    """The next line of a process's standard output (a pipe, unbuffered); "" at its end. Fails if none comes in time."""
    deadline = time.monotonic() + timeout
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0, deadline - time.monotonic())):
                raise AssertionError(f"no line on standard output within {timeout} s, only {line!r}")
            byte = os.read(process.stdout.fileno(), 1)
            if not byte:
                break
            line += byte
    return line.decode()


class BrokerProcess:
    """`casebus serve --port 0 …` (or another command that serves), ready for connections."""

    def __init__(self, *options, command=("serve",), port=0, listen=None):
        if not {"--journal", "--data"} & set(options):
            options = ("--journal", "memory", *options)
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [BINARY, *command, *(listen or self.listen_options(command, port)), *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0
        )
        try:
            self.first_line = read_line(self.process)
            line = self.first_line
            while not (match := URL.search(line)):
                line = read_line(self.process)
                assert line, f"it never said where it listens; standard error: {self.error_text()}"
        except BaseException:
            self.kill()
            raise
        self.url = match[1]
        self.port = int(match[2])
        self.scheme = "https" if self.url.startswith("wss:") else "http"
        self.page = f"{self.scheme}://127.0.0.1:{self.port}/"

    @staticmethod
    def listen_options(command, port):
        """For the only port that it listens on, the one that the tests use."""
        if OVER_TLS and command == ("serve",):
            return [*SERVER_OPTIONS, str(port)]
        return ["--port", str(port)]

    def url_of(self, workspace):
        return self.url if workspace is None else f"{self.url}?workspace={workspace}"

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def error_text(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=PATIENCE):
        """The exit status."""
        return self.process.wait(timeout)

    def stop(self):
        """Ends it gracefully and looks whether it was that."""
        try:
            assert self.is_running(), f"the broker ended with {self.process.returncode}: {self.error_text()}"
            self.signal(signal.SIGTERM)
            assert self.wait() == 0, self.error_text()
        finally:
            self.kill()

    def kill(self):
        """Ends it by its own pid, whatever state it is in."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.process.stdout.close()

    def resident_bytes(self):
        """What it occupies of the machine's memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
