"""Clients that are slow, silent, or too eager: what they cost the broker and everybody else (Protocol §2.5, §11.2).

CASEBUS_SLOW_CONNECTIONS says how many sessions stop reading at once; 2,000 if it says nothing, which takes about 6 s.
"""

import asyncio
import json
import os
import re
import resource
import selectors
import socket
import ssl
import threading
import time
from contextlib import contextmanager

import pytest
from broker_process import PATIENCE
from clients import Clients, event_text, publication
from over_tls import OVER_TLS, wrapped
from raw_connection import CLOSE, PING, PONG, TEXT, RawConnection, frame, opening_handshake

SLOW_CONNECTIONS = int(os.environ.get("CASEBUS_SLOW_CONNECTIONS", "2000"))
CLOSE_TIMEOUT_SECONDS = 5  # closeTimeoutSeconds
MEBIBYTE = 1 << 20
TLS_CHUNK_BYTES = 65_536
SUBSCRIBE = json.dumps({"event": "subscribe", "data": "agent", "referenceId": "s"})
# How late an event may be for a session that reads, also while the broker writes to thousands. Generous: the machine may be busy.
LATENCY_SECONDS = 5


def allow_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
    if min(count, hard) < count:
        pytest.skip(f"only {hard} files may be open, {count} are needed (CASEBUS_SLOW_CONNECTIONS)")


class SlowSession:
    """Subscribes, and then reads nothing until it is told to."""

    def __init__(self, port, workspace):
        self.socket = socket.socket()
        # As over a network, where the kernels between keep less: small packets, or the broker's kernel takes megabytes.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket = wrapped(self.socket)
        self.socket.sendall(opening_handshake(port, f"/v2?workspace={workspace}") + frame(TEXT, SUBSCRIBE))
        self.buffer = b""
        self.texts = []
        self.close_code = None
        self.is_over = False

    def subscribed(self):
        """Reads the answers to what was sent; gives the id of the session."""
        while b"\r\n\r\n" not in self.buffer or b"protocolVersion" not in self.buffer:
            data = self.socket.recv(1024)
            assert data, "the connection ended"
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        self.take_frames()
        subscription = json.loads(self.texts.pop())["subscriptionId"]
        self.socket.setblocking(False)
        return subscription.rpartition("-")[0]

    def read_on(self):
        try:
            while data := self.socket.recv(1 << 16):
                self.buffer += data
                self.take_frames()
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except ConnectionResetError:
            pass
        self.is_over = True

    def take_frames(self):
        while len(self.buffer) >= 2:
            opcode, length = self.buffer[0] & 0x0F, self.buffer[1]
            size = {126: 2, 127: 8}.get(length, 0)
            start = 2 + size
            if size:
                length = int.from_bytes(self.buffer[2:start], "big")
            if len(self.buffer) < start + length:
                return
            payload, self.buffer = self.buffer[start : start + length], self.buffer[start + length :]
            if opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big")
                self.socket.send(frame(CLOSE, payload[:2]))
            elif opcode == TEXT:
                assert self.close_code is None, "a message behind the close frame"
                self.texts.append(payload.decode())


def read_to_the_end(sessions):
    """Lets all of them read on at once until their connections are over."""
    deadline = time.monotonic() + 4 * PATIENCE
    with selectors.DefaultSelector() as selector:
        for session in sessions:
            session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            selector.register(session.socket, selectors.EVENT_READ, session)
        while selector.get_map():
            assert time.monotonic() < deadline, f"{len(selector.get_map())} connections do not end"
            for key, _ in selector.select(1):
                key.data.read_on()
                if key.data.is_over:
                    selector.unregister(key.fileobj)
                    key.fileobj.close()


@contextmanager
def peak_memory(broker):
    """Yields a list that has, afterwards, the most memory that the broker occupied meanwhile."""
    peak = []
    over = threading.Event()

    def watch():
        most = 0
        while not over.wait(0.02):
            most = max(most, broker.resident_bytes())
        peak.append(most)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        over.set()
        watcher.join()


def filled(number, size):
    return {"number": number, "at": time.monotonic(), "filling": "x" * size}


async def read_events(session, count):
    """Checks that all events come in order; gives the latencies."""
    latencies = []
    for number in range(count):
        event = (await session.receive_json())["data"]
        latencies.append(time.monotonic() - event["at"])
        assert event["number"] == number
    return latencies


async def publish_beside(broker, workspace, count, size):
    """Publishes events while sessions of the same and of another workspace read them; gives the latencies of both."""
    async with Clients(broker) as clients:
        source, reader, elsewhere, other = [await clients.open(name) for name in [workspace, workspace, "elsewhere", "elsewhere"]]
        await reader.subscribe("agent")
        await elsewhere.subscribe("agent")
        reading = [asyncio.create_task(read_events(session, count)) for session in (reader, elsewhere)]
        for number in range(count):
            await source.publish("agent", filled(number, size))
            await other.publish("agent", filled(number, 10))
        return [await task for task in reading]


def slow_consumers(broker):
    """The ids of the sessions that the log warns of."""
    return [re.search(r"\bsession=(\S+)", line)[1] for line in broker.error_text().splitlines() if " warning" in line and "code=4001" in line]


async def test_thousands_of_sessions_that_do_not_read_are_closed_and_harm_nobody(start_broker):
    queue, size, events = 65_536, 30_000, 25
    allow_files(SLOW_CONNECTIONS + 200)
    broker = start_broker("--outbound-queue-bytes-max", str(queue), "--outbound-total-bytes-max", str(1 << 30))
    sessions = [SlowSession(broker.port, "w") for _ in range(SLOW_CONNECTIONS)]
    ids = [session.subscribed() for session in sessions]
    before = broker.resident_bytes()
    begin = time.monotonic()
    with peak_memory(broker) as peak:
        latencies = await publish_beside(broker, "w", events, size)
        await asyncio.to_thread(read_to_the_end, sessions)
    took = time.monotonic() - begin
    # What waits for a session is at most its queue and what went over it. All wait for the same bytes, so it is much less.
    # Over TLS each has a piece of at most 64 KiB of its own, which is encrypted.
    shared = min(64 * MEBIBYTE, SLOW_CONNECTIONS * (queue + events * size))
    bound = shared + (SLOW_CONNECTIONS * TLS_CHUNK_BYTES if OVER_TLS else 0)
    assert peak[0] - before < bound, (peak[0] - before, bound)
    for session in sessions:
        numbers = [json.loads(text)["data"]["number"] for text in session.texts]
        assert numbers == list(range(len(numbers))) and len(numbers) < events
    codes = {session.close_code for session in sessions}
    assert codes == {4001} or (took > CLOSE_TIMEOUT_SECONDS and codes == {4001, None}), codes
    assert max(max(times) for times in latencies) < LATENCY_SECONDS
    broker.stop()
    assert sorted(slow_consumers(broker)) == sorted(ids)


async def test_what_waits_for_all_sessions_is_limited_and_the_slowest_are_cut_off(start_broker):
    count, size, events, total = 200, 50_000, 60, 8 * MEBIBYTE
    allow_files(count + 200)
    broker = start_broker("--outbound-total-bytes-max", str(total))
    sessions = [SlowSession(broker.port, "w") for _ in range(count)]
    ids = [session.subscribed() for session in sessions]
    before = broker.resident_bytes()
    with peak_memory(broker) as peak:
        latencies = await publish_beside(broker, "w", events, size)
        await asyncio.to_thread(read_to_the_end, sessions)
    assert peak[0] - before < total + 64 * MEBIBYTE
    # Those that were not cut off, without a close frame, had room for everything or were over their own limit.
    cut_off = [session for session in sessions if session.close_code is None]
    assert len(cut_off) > count / 2
    assert {session.close_code for session in sessions} <= {None, 4001}
    assert max(max(times) for times in latencies) < LATENCY_SECONDS
    broker.stop()
    assert set(slow_consumers(broker)) <= set(ids)
    assert len(slow_consumers(broker)) >= len(cut_off)
    assert "outboundTotalBytesMax" in broker.error_text()


async def test_a_client_that_sends_and_does_not_read_is_closed_and_holds_nobody_up(start_broker):
    broker = start_broker()
    request = {"request": "messenger.broadcastMessage", "parameters": ["team", 1], "referenceId": "r" * 4000}
    flood = b"".join(frame(TEXT, json.dumps(request)) for _ in range(100))
    connection = RawConnection(broker.port, receive_buffer=4096).open("w").share()
    stop = threading.Event()

    def send():
        while not stop.is_set():
            connection.send(flood)

    async with Clients(broker) as clients:
        other = await clients.open("elsewhere")
        await other.request("interaction.getInteractions")
        before = broker.resident_bytes()
        waits = []
        flooding = threading.Thread(target=send)
        with peak_memory(broker) as peak:
            flooding.start()
            end = time.monotonic() + 2
            while time.monotonic() < end:
                begin = time.monotonic()
                await other.request("interaction.getInteractions")
                waits.append(time.monotonic() - begin)
                await asyncio.sleep(0.005)
            stop.set()
            code, reason, texts = await asyncio.to_thread(connection.receive_close)
            flooding.join()
    connection.send_frame(CLOSE, code.to_bytes(2, "big"))
    assert (code, reason.partition(":")[0]) == (4001, "slow_consumer")
    assert len(set(texts)) == 1 and json.loads(texts[0])["data"] is None
    assert peak[0] - before < 32 * MEBIBYTE
    assert max(waits) < LATENCY_SECONDS and sorted(waits)[len(waits) // 2] < 0.25
    connection.socket.close()
    broker.stop()
    assert len(slow_consumers(broker)) == 1


async def test_a_client_that_sends_much_and_reads_slowly_gets_every_answer_in_order(start_broker):
    """More messages than may be unanswered come in at once: reading pauses, and goes on."""
    broker = start_broker("--outbound-queue-bytes-max", str(16 * MEBIBYTE))
    count = 20_000
    with RawConnection(broker.port) as connection:
        connection.open("w").share()
        flood = b"".join(frame(TEXT, json.dumps({"request": "interaction.getInteractions", "referenceId": number})) for number in range(count))
        sending = threading.Thread(target=connection.send, args=(flood,))
        sending.start()
        for number in range(count):
            assert json.loads(connection.receive_text())["referenceId"] == number
        sending.join()


# The opening handshake.


def end_of(connection, begin):
    """The answer, and how long it took."""
    status, _, body = connection.receive_answer()
    assert connection.receive_end() == b""
    assert body.endswith("\n") and body.count("\n") == 1
    return status, body, time.monotonic() - begin


@pytest.mark.parametrize("is_trickling", [False, True], ids=["silent", "trickling"])
def test_a_handshake_that_takes_too_long_is_408(is_trickling, start_broker):
    broker = start_broker("--handshake-timeout", "1")
    begin = time.monotonic()
    connections = [RawConnection(broker.port) for _ in range(20)]
    data = opening_handshake(broker.port, "/v2")
    for position in range(13 if is_trickling else 0):  # 1.3 s, a byte each
        for connection in connections:
            try:
                connection.send(data[position : position + 1])
            except ConnectionError:
                assert time.monotonic() - begin > 0.9
        time.sleep(0.1)
    for connection in connections:
        try:
            status, body, seconds = end_of(connection, begin)
        except ConnectionResetError:
            assert is_trickling, "reset"
            continue
        assert (status, "handshakeTimeoutSeconds" in body) == (408, True)
        assert 0.9 < seconds < PATIENCE
        connection.socket.close()
    with RawConnection(broker.port) as connection:
        connection.open("w")


def test_a_handshake_in_time_is_taken_however_slow_and_then_is_not_limited(start_broker):
    broker = start_broker("--handshake-timeout", "1")
    with RawConnection(broker.port) as connection:
        data = opening_handshake(broker.port, "/v2")
        for index in range(5):
            connection.send(data[index * len(data) // 5 : (index + 1) * len(data) // 5])
            time.sleep(0.1)
        assert connection.receive_head()[0] == 101
        time.sleep(1.2)
        connection.send_text(json.dumps({"request": "interaction.getInteractions", "referenceId": "1"}))
        assert json.loads(connection.receive_text())["data"] == []


HEADERS_TOO_LARGE = {
    "one long field": b"X: " + b"x" * 20_000 + b"\r\n",
    "many bytes": b"".join(b"X-%d: %s\r\n" % (number, b"x" * 400) for number in range(60)),
    "many fields": b"".join(b"X-%d: x\r\n" % number for number in range(120)),
    "a field that does not end": b"X: " + b"x" * 200_000,
    "a name that does not end": b"x" * 200_000,
}


@pytest.mark.parametrize("name", HEADERS_TOO_LARGE)
def test_a_header_that_is_too_large_is_431(name, broker):
    with RawConnection(broker.port) as connection:
        begin = time.monotonic()
        head, _, rest = opening_handshake(broker.port, "/v2").partition(b"\r\n")
        connection.send(head + b"\r\n" + HEADERS_TOO_LARGE[name] + rest)
        status, body, seconds = end_of(connection, begin)
        assert (status, "16384" in body, "100" in body) == (431, True, True)
        assert seconds < PATIENCE / 2


def test_a_request_line_that_is_too_long_is_refused(broker):
    with RawConnection(broker.port) as connection:
        connection.send(b"GET /" + b"x" * 200_000)
        assert end_of(connection, time.monotonic())[0] in {400, 414, 431}


def test_a_header_within_the_limits_is_taken(broker):
    with RawConnection(broker.port) as connection:
        many = {f"X_{number}": "x" * 100 for number in range(90)}
        connection.send(opening_handshake(broker.port, "/v2", **many))
        assert connection.receive_head()[0] == 101


def test_too_many_connections_of_one_address_are_503_until_there_is_room(start_broker):
    broker = start_broker("--connections-per-address-max", "3")
    connections = [RawConnection(broker.port).open("w") for _ in range(3)]
    for _ in range(5):
        with RawConnection(broker.port) as refused:
            refused.send(opening_handshake(broker.port, "/v2"))
            status, body, _ = end_of(refused, time.monotonic())
            assert (status, "connectionsPerAddressMax" in body) == (503, True)
    connections.pop(0).socket.close()
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = RawConnection(broker.port)
        connection.send(opening_handshake(broker.port, "/v2"))
        if connection.receive_head()[0] == 101:
            break
        connection.socket.close()
        assert time.monotonic() < deadline, "there is never room again"
        time.sleep(0.01)
    for open_one in [connection, *connections]:
        open_one.socket.close()


# Keep-alive.


def test_a_silent_client_is_pinged_and_given_up(start_broker):
    broker = start_broker("--ping-interval", "1", "--pong-timeout", "1")
    begin = time.monotonic()
    with RawConnection(broker.port) as silent, RawConnection(broker.port) as answering:
        silent.open("w")
        answering.open("w")
        assert silent.receive_frame()[0] == PING
        assert 0.9 < time.monotonic() - begin < PATIENCE
        pings = 0
        while time.monotonic() - begin < 2.5:
            opcode, payload = answering.receive_frame()
            assert opcode == PING
            answering.send_frame(PONG, payload)
            pings += 1
        assert pings >= 2
        code, reason, texts = silent.receive_close()
        assert (code, reason.partition(":")[0], texts) == (4002, "ping_timeout", [])
        silent.send_frame(CLOSE, (4002).to_bytes(2, "big"))
        assert silent.receive_frame() is None
        answering.send_text(json.dumps({"request": "interaction.getInteractions", "referenceId": "1"}))
        assert json.loads(answering.receive_text())["data"] == []


def test_a_client_that_says_anything_is_alive_and_not_pinged(start_broker):
    broker = start_broker("--ping-interval", "1", "--pong-timeout", "1")
    with RawConnection(broker.port) as connection:
        connection.open("w")
        for _ in range(5):
            connection.send_text(json.dumps({"request": "interaction.getInteractions", "referenceId": "1"}))
            assert json.loads(connection.receive_text())["data"] == []
            time.sleep(0.5)


def test_a_client_that_floods_pings_is_closed_with_1008(broker, workspace):
    with RawConnection(broker.port) as connection:
        connection.open(workspace).send(b"".join(frame(PING, b"%d" % number) for number in range(500)))
        pongs = []
        while (received := connection.receive_frame())[0] == PONG:
            pongs.append(received[1])
        assert pongs == [b"%d" % number for number in range(120)]
        opcode, payload = received
        assert (opcode, int.from_bytes(payload[:2], "big"), payload[2:].partition(b":")[0]) == (CLOSE, 1008, b"too_many_pings")
        connection.finish()
        assert connection.receive_end() == b""
