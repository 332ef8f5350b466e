"""What the broker needs in memory, it gives back when it needs it no more."""

import json
import re
import socket
import time
from pathlib import Path

import pytest
from broker_process import BrokerProcess
from raw_connection import TEXT, frame, opening_handshake
from test_backpressure import allow_files

SESSIONS = 4000
SUBSCRIBE = json.dumps({"event": "subscribe", "data": "agent", "referenceId": "s"})
# It looks every 5 s; the machine may be busy.
GIVEN_BACK_WITHIN_SECONDS = 30


def resident_kib(broker):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{broker.process.pid}/status").read_text())[1])


def subscribed(port, number):
    """A session in a workspace of its own."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=15)
    connection.sendall(opening_handshake(port, f"/v2?workspace=w{number}") + frame(TEXT, SUBSCRIBE))
    received = b""
    while b"subscriptionId" not in received:
        data = connection.recv(4096)
        assert data, "the connection ended"
        received += data
    return connection


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_memory_of_sessions_that_have_left_goes_back_to_the_system():
    allow_files(SESSIONS + 100)
    broker = BrokerProcess("--sessions-max", str(SESSIONS))
    try:
        subscribed(broker.port, 0).close()
        start = resident_kib(broker)
        connections = [subscribed(broker.port, number) for number in range(SESSIONS)]
        growth = resident_kib(broker) - start
        assert growth > SESSIONS  # a session takes more than 1 KiB, or this test would say nothing
        for connection in connections:
            connection.close()
        deadline = time.monotonic() + GIVEN_BACK_WITHIN_SECONDS
        while resident_kib(broker) - start > growth / 4 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert resident_kib(broker) - start <= growth / 4
    finally:
        broker.stop()
