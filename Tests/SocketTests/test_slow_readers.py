"""Clients that read slowly, and steadily: what is allowed to be asked for reaches them (Protocol §2.5).

The numbers of a run are printed; python -m pytest -s shows them. CASEBUS_BINARY says which broker is measured.
"""

import json
import socket
import threading
import time

import pytest
from broker_process import PATIENCE
from over_tls import wrapped
from raw_connection import CLOSE, PING, PONG, RawConnection

ROWS, ROW_BYTES = 50, 60_000  # 3.0 MB: less than workspaceBytesMax, more than outboundQueueBytesMax
STALL_SECONDS = 5  # outboundStallSeconds
SUBSCRIBE = '{"event":"subscribe","data":"agent","referenceId":"s"}'
ASK = '{"request":"interaction.getInteractions","referenceId":"all"}'


class PacedSocket:
    """Reads so many bytes a second, evenly."""

    def __init__(self, connection, bytes_per_second):
        self.connection, self.bytes_per_second = connection, bytes_per_second
        self.read, self.begin = 0, time.monotonic()

    def recv(self, count):
        ahead = self.read / self.bytes_per_second - (time.monotonic() - self.begin)
        if ahead > 0:
            time.sleep(ahead)
        data = self.connection.recv(min(count, max(1, self.bytes_per_second // 50)))
        self.read += len(data)
        return data

    def __getattr__(self, name):
        return getattr(self.connection, name)


class SlowReader(RawConnection):
    """As over a network, where the kernels between keep less: small packets, or the broker's kernel takes megabytes."""

    def __init__(self, port):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        self.socket.settimeout(4 * PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket = wrapped(self.socket)
        self.port, self.buffer = port, b""

    def read_at(self, bytes_per_second):
        self.socket = PacedSocket(self.socket, bytes_per_second)

    def need(self, count):
        """In linear time."""
        parts, have = [self.buffer], len(self.buffer)
        while have < count:
            data = self.socket.recv(1 << 16)
            if not data:
                break
            parts.append(data)
            have += len(data)
        self.buffer = b"".join(parts)
        return have >= count

    def receive_answer_text(self):
        """The next message that is no ping; pings are answered."""
        while (received := self.receive_frame())[0] == PING:
            self.send_frame(PONG, received[1])
        assert received[0] != CLOSE, received
        return received[1]


def fill(broker, workspace):
    with RawConnection(broker.port) as source:
        source.open(workspace)
        for row in range(ROWS):
            interaction = {"interactionId": str(row), "userData": {"filling": "x" * (ROW_BYTES - 20)}}
            source.send_text(json.dumps({"event": "publish", "data": {"event": "interaction", "data": {"eventType": "IDLE", "interaction": interaction}}, "referenceId": "1"}))
            assert json.loads(source.receive_text())["data"] is None


class Publishing:
    """Publishes a small event ten times a second, as long as it is entered."""

    def __init__(self, broker, workspace):
        self.connection = RawConnection(broker.port).open(workspace)
        self.over = threading.Event()
        self.count = 0
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over.wait(0.1):
            self.connection.send_text(json.dumps({"event": "publish", "data": {"event": "agent", "data": {"number": self.count}}}))
            self.count += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.connection.socket.close()


def subscribed(broker, workspace):
    reader = SlowReader(broker.port)
    reader.open(workspace)
    reader.send_text(SUBSCRIBE)
    assert "subscriptionId" in reader.receive_text()
    return reader


@pytest.mark.parametrize("bytes_per_second", [1_000_000, 200_000], ids=["1 MB/s", "200 KB/s"])
@pytest.mark.parametrize("options", [[], ["--ping-interval", "1", "--pong-timeout", "2"]], ids=["defaults", "quick pings"])
def test_a_client_that_reads_steadily_gets_a_long_answer_and_what_comes_behind_it(start_broker, bytes_per_second, options):
    broker = start_broker(*options)
    fill(broker, "w")
    with subscribed(broker, "w") as reader:
        begin = time.monotonic()
        reader.read_at(bytes_per_second)
        reader.send_text(ASK)
        with Publishing(broker, "w") as publishing:
            answer = b""
            numbers = []
            while b'"all"' not in answer[:40]:
                answer = reader.receive_answer_text()
                if b'"all"' not in answer[:40]:
                    numbers.append(json.loads(answer)["data"]["number"])
            took = time.monotonic() - begin
            assert len(json.loads(answer)["data"]) == ROWS
            while len(numbers) < 20 + publishing.count // 2:
                numbers.append(json.loads(reader.receive_answer_text())["data"]["number"])
        assert numbers == list(range(len(numbers)))
        print(f"{len(answer)} bytes at {bytes_per_second} bytes/s: got them in {took:.1f} s, and {len(numbers)} events")


def test_a_client_that_reads_nothing_is_cut_off_as_soon_as_ever(start_broker):
    """Before long answers were tolerated: a close frame that nobody reads, and closeTimeoutSeconds later the end."""
    broker = start_broker()
    fill(broker, "w")
    with subscribed(broker, "w") as reader:
        reader.send_text(ASK)
        with Publishing(broker, "w") as publishing:
            begin = time.monotonic()
            while "session closed" not in broker.error_text():
                assert time.monotonic() - begin < PATIENCE, "it is still open"
                time.sleep(0.05)
            took = time.monotonic() - begin
            assert publishing.count > 10
        print(f"a client that reads nothing was cut off after {took:.1f} s")
        assert STALL_SECONDS - 1 < took < STALL_SECONDS + 2
    assert "code=4001" in broker.error_text() and "outboundStallSeconds" in broker.error_text()


def test_a_client_that_stops_reading_in_the_middle_is_cut_off(start_broker):
    broker = start_broker()
    fill(broker, "w")
    with subscribed(broker, "w") as reader:
        reader.send_text(ASK)
        with Publishing(broker, "w"):
            reader.read_at(500_000)
            assert reader.need(200_000)
            begin = time.monotonic()
            while "code=4001" not in broker.error_text():
                assert time.monotonic() - begin < PATIENCE, "it is still open"
                time.sleep(0.05)
            assert time.monotonic() - begin < 2 * STALL_SECONDS + 1


def test_a_close_frame_behind_a_long_answer_is_waited_for_while_the_client_reads(start_broker):
    """3.0 MB at 300 KB/s take 10 s, closeTimeoutSeconds is 5."""
    broker = start_broker()
    fill(broker, "w")
    with subscribed(broker, "w") as reader:
        reader.send_text(ASK)
        for _ in range(10):
            reader.send_text("not JSON")
        reader.read_at(300_000)
        code, reason, texts = reader.receive_close()
        assert (code, reason.partition(":")[0]) == (4500, "too_many_malformed")
        assert [len(json.loads(text).get("data", [])) for text in texts] == [ROWS] + [0] * 10


def test_long_answers_that_nobody_reads_are_bounded(start_broker):
    """After some answers nothing more is decided for it (outcomeBytesInFlightMax), and it is not there for ever."""
    broker = start_broker("--ping-interval", "1")
    fill(broker, "w")
    with subscribed(broker, "w") as reader:
        before = broker.resident_bytes()
        for _ in range(20):
            reader.send_text(ASK)
        begin = time.monotonic()
        most = 0
        while "code=4001" not in broker.error_text():
            most = max(most, broker.resident_bytes())
            assert time.monotonic() - begin < PATIENCE, "it is still open"
            time.sleep(0.02)
        print(f"20 answers of 3.0 MB that nobody reads: +{(most - before) >> 20} MiB at most")
        assert most - before < 96 << 20
