"""One session asks for more than it reads: what the broker holds for it is bounded in bytes (Protocol §12).

Run as a program it prints what the broker takes at most: python Tests/SocketTests/test_in_flight.py [BINARY]
"""

import json
import os
import re
import socket
import sys
import tempfile
import time
from pathlib import Path

import pytest
from broker_process import BrokerProcess
from raw_connection import PONG, TEXT, frame, opening_handshake

MEBIBYTE = 1 << 20
REQUESTS = 255
# About what workspaceBytesMax allows: 50 interactions of 60,000 bytes of user data.
INTERACTIONS = 50
USER_DATA_BYTES = 60_000


def peak_bytes(broker):
    status = Path(f"/proc/{broker.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


class Connection:
    def __init__(self, broker, workspace):
        self.socket = socket.create_connection(("127.0.0.1", broker.port), timeout=30)
        self.socket.sendall(opening_handshake(broker.port, f"/v2?workspace={workspace}"))
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(4096)
        self.buffer = self.buffer.partition(b"\r\n\r\n")[2]

    def send(self, *messages):
        self.socket.sendall(b"".join(frame(TEXT, json.dumps(message)) for message in messages))

    def message(self):
        """The next text message."""
        while (text := self.take()) is None:
            data = self.socket.recv(1 << 20)
            assert data, "the connection ended"
            self.buffer += data
        return text

    def take(self):
        """The next text message, if it has come; pings are answered on the way."""
        while self.buffer.startswith(b"\x89\x00"):
            self.buffer = self.buffer[2:]
            self.socket.sendall(frame(PONG, b""))
        if len(self.buffer) < 2:
            return None
        length, start = self.buffer[1], 2
        if length == 126:
            length, start = int.from_bytes(self.buffer[2:4], "big"), 4
        elif length == 127:
            length, start = int.from_bytes(self.buffer[2:10], "big"), 10
        if len(self.buffer) < start + length:
            return None
        assert self.buffer[0] == 0x81, f"expected a text message, got {self.buffer[:120]}"
        text = self.buffer[start : start + length]
        self.buffer = self.buffer[start + length :]
        return text


def publication(number, user_data, reference=None):
    interaction = {"interactionId": str(number), "userData": user_data}
    data = {"event": "interaction", "data": {"eventType": "RINGING", "interaction": interaction}}
    return {"event": "publish", "data": data, "referenceId": reference}


def fill(broker, workspace):
    source = Connection(broker, workspace)
    for number in range(INTERACTIONS):
        source.send(publication(number, {"padding": "x" * USER_DATA_BYTES}, reference=number))
        assert b"errorMessage" not in source.message()
    source.socket.close()


def ask_for_much(broker, workspace):
    """Sends many requests in one piece, waits, and reads all answers then. Gives their sizes."""
    asker = Connection(broker, workspace)
    requests = [{"request": "interaction.getInteractions", "referenceId": number} for number in range(REQUESTS)]
    asker.send(publication("late", {}, reference="p"), *requests)
    time.sleep(2)
    sizes = []
    for reference in ["p", *range(REQUESTS)]:
        text = asker.message()
        assert text.startswith(b'{"referenceId":' + json.dumps(reference).encode())
        sizes.append(len(text))
    asker.socket.close()
    return sizes


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("journal", ["memory", "files"])
def test_requests_for_the_whole_state_are_answered_one_after_the_other(start_broker, tmp_path, journal):
    options = ("--journal", "memory") if journal == "memory" else ("--data", str(tmp_path / "journal"))
    broker = start_broker(*options)
    fill(broker, "w")
    before = peak_bytes(broker)
    sizes = ask_for_much(broker, "w")
    assert len(sizes) == REQUESTS + 1 and sizes[-1] > INTERACTIONS * USER_DATA_BYTES
    # Answers of 700 MiB in all; two or three of them at a time.
    assert peak_bytes(broker) - before < 64 * MEBIBYTE


def main():
    """Prints what the broker takes at most, for the binary that is named."""
    import broker_process

    if len(sys.argv) > 1:
        broker_process.BINARY = sys.argv[1]
    with tempfile.TemporaryDirectory() as directory:
        broker = BrokerProcess("--data", os.path.join(directory, "journal"))
        try:
            fill(broker, "w")
            before = peak_bytes(broker)
            try:
                ask_for_much(broker, "w")
            except (AssertionError, OSError) as error:
                print(str(error)[:100])
            print(f"{REQUESTS} requests: {before / MEBIBYTE:.0f} -> {peak_bytes(broker) / MEBIBYTE:.0f} MiB")
        finally:
            broker.kill()


if __name__ == "__main__":
    main()
