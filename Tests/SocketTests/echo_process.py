"""`casebus-devtools echo-server` and `casebus-devtools echo-client` as a test starts them, and messages to send."""

import asyncio
import random
import re
import subprocess
import tempfile

from broker_process import DEVTOOLS, PATIENCE, BrokerProcess, read_line

LISTENING = re.compile(r"Casebus echoes on ws://127\.0\.0\.1:(\d+)/v2\n")
# Where the length field of a frame, thresholds and buffers change.
SIZES = [0, 1, 125, 126, 127, 128, 1023, 65_535, 65_536, 65_537, 1 << 20]


class EchoProcess(BrokerProcess):
    """`casebus-devtools echo-server --port 0 …`, ready for connections."""

    def __init__(self, *options):
        self.errors = tempfile.TemporaryFile()
        command = [DEVTOOLS, "echo-server", "--port", "0", *options]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, bufsize=0)
        try:
            self.first_line = read_line(self.process)
            match = LISTENING.fullmatch(self.first_line)
            assert match, f"the first line is {self.first_line!r}; standard error: {self.error_text()}"
        except BaseException:
            self.kill()
            raise
        self.port = int(match[1])
        self.url = f"ws://127.0.0.1:{self.port}/"


async def run_echo_client(url, *options, patience=PATIENCE):
    """The exit status, the standard output and the standard error of `casebus-devtools echo-client`."""
    process = await asyncio.create_subprocess_exec(
        DEVTOOLS, "echo-client", "--url", url, *options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), patience)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode, output.decode(), errors.decode()


def random_text(source, size):
    """Characters of all lengths; so many bytes as UTF-8."""
    block = min(size, 30_000)
    characters = []
    left = block
    while left:
        length = source.randint(1, min(4, left))
        first, last = [(0, 0x7F), (0x80, 0x7FF), (0x800, 0xFFFF), (0x10000, 0x10FFFF)][length - 1]
        code = source.randint(first, last)
        if not 0xD800 <= code <= 0xDFFF:
            characters.append(chr(code))
            left -= length
    text = "".join(characters)
    return text * (size // block) + "~" * (size % block) if size else ""


def messages_of(sizes, seed=1):
    """A text that is partly new, bytes that do not compress, and a text that compresses well, for each size."""
    source = random.Random(seed)
    for size in sizes:
        yield random_text(source, size)
        yield source.randbytes(size)
        yield "a" * size
