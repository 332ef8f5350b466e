"""Connections that carry several plain requests, and those that must not (Protocol §2.6; RFC 9112 §9.3, §11.2)."""

import http.client
import json
import re
import subprocess
import time

import aiohttp
import pytest
from broker_process import PATIENCE
from over_tls import AUTHORITY, OVER_TLS
from raw_connection import ACCEPT, TEXT, RawConnection, frame, opening_handshake

SECURE = AUTHORITY.context() if OVER_TLS else None
HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
ASK = '{"request":"interaction.getInteractions","referenceId":"1"}'


def statuses(data):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


# Other people's clients


def test_curl_makes_all_requests_on_one_connection(broker):
    urls = [broker.page, broker.page + "health", broker.page + "nothing", broker.page + "v2", broker.page + "ready"]
    outputs = [part for url in urls for part in ["-o", "/dev/null", url]]
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--cacert", AUTHORITY.file, "--max-time", "15", "-w", "%{http_code} %{num_connects}\n", *outputs],
        capture_output=True, timeout=2 * PATIENCE, text=True,
    )
    assert done.stdout.splitlines() == ["200 1", "200 0", "404 0", "400 0", "200 0"], done


def test_pythons_client_makes_a_hundred_requests_on_one_connection(broker):
    connection = http.client.HTTPSConnection("127.0.0.1", broker.port, timeout=PATIENCE, context=SECURE) if OVER_TLS else http.client.HTTPConnection("127.0.0.1", broker.port, timeout=PATIENCE)
    sockets = set()
    for number in range(100):
        connection.request("HEAD" if number % 3 == 0 else "GET", ["/", "/health", "/ready"][number % 3])
        sockets.add(connection.sock.getsockname())
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Connection")) == (200, None)
        assert bool(answer.read()) == (number % 3 != 0)
    assert len(sockets) == 1
    connection.close()


async def test_aiohttp_makes_twenty_requests_and_a_websocket_from_its_pool(broker):
    """The pool gives the handshake a connection that has carried requests."""
    connects = []
    tracing = aiohttp.TraceConfig()

    async def connected(*_):
        connects.append(time.monotonic())

    tracing.on_connection_create_end.append(connected)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1), trace_configs=[tracing]) as session:
        for _ in range(20):
            async with session.get(broker.page, ssl=SECURE or True) as answer:
                assert answer.status == 200 and "Casebus" in await answer.text()
        async with session.ws_connect(broker.url, ssl=SECURE or True) as socket:
            assert len(connects) == 1
            await socket.send_str(ASK)
            assert (await socket.receive_json(timeout=PATIENCE))["data"] == []


# Several requests at once


def test_requests_that_are_sent_together_are_answered_in_order(broker):
    with RawConnection(broker.port) as connection:
        paths = ["/health", "/nothing", "/", "/ready"] * 25
        connection.send(b"".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for path in paths))
        for path in paths:
            status, _, body = connection.receive_answer()
            assert (status, {"/health": "ok\n", "/ready": "ready\n"}.get(path, body)) == (404 if path == "/nothing" else 200, body)


def test_more_requests_than_are_read_at_once_wait_and_are_answered(broker):
    count = 900
    head = b"GET /health HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 900 + b"\r\n\r\n"
    with RawConnection(broker.port) as connection:
        connection.send(head * count)
        for _ in range(count):
            assert connection.receive_answer()[::2] == (200, "ok\n")


def test_a_head_that_comes_in_pieces_keeps_its_connection(broker):
    """As one with large cookies does, which is more than the broker reads at first."""
    with RawConnection(broker.port) as connection:
        for _ in range(5):
            connection.send(b"GET /health HTTP/1.1\r\nHost: a\r\nCookie: a=" + b"x" * 9000 + b"\r\n\r\n")
            status, headers, body = connection.receive_answer()
            assert (status, body, headers.get("connection")) == (200, "ok\n", None)


# Requests after which the connection ends


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
BODY = f"Content-Length: {len(SMUGGLED)}\r\n".encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LAST = {
    "Connection: close": b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "close among others": b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n",
    "HTTP/1.0": b"GET /health HTTP/1.0\r\n\r\n",
    "HTTP/1.0 with keep-alive": b"GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "a body": b"GET /health HTTP/1.1\r\nHost: a\r\n" + BODY + b"\r\n",
    "a body of a length of 0": b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "a chunked body": b"GET /health HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "a length and chunks": b"GET /health HTTP/1.1\r\nHost: a\r\n" + BODY + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and a length": b"GET /health HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + BODY + b"\r\n",
    "a list of lengths": b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 5\r\n\r\n",
    "a length with a sign": b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n",
    "a bad chunk": b"GET /health HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\nxyz\r\n",
    "a chunk size with a sign": b"GET /health HTTP/1.1\r\nHost: a\r\n" + CHUNKED + b"\r\n+5\r\nabcde\r\n0\r\n\r\n",
    "an unknown transfer coding": b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n",
    "a transfer coding behind a tab": b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "a transfer coding before a vertical tab": b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"GET /health HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    "a folded transfer coding": b"GET /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a bare LF behind a field": b"GET /health HTTP/1.1\r\nHost: a\r\nX: y\n\r\n",
    "bare LFs only": b"GET /health HTTP/1.1\nHost: a\n\n",
    "a bare LF at the end": b"GET /health HTTP/1.1\r\nHost: a\r\n\n",
    "a bare CR": b"GET /health HTTP/1.1\r\nHost: a\r\nX: y\rContent-Length: 5\r\n\r\n",
    "a blank before a colon": b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n",
    "an empty line before": b"\r\nGET /health HTTP/1.1\r\nHost: a\r\n\r\n",
    "NUL in a value": b"GET /health HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "a value that is not ASCII": b"GET /health HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n\r\n",
    "an underscore in a name": b"GET /health HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n",
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a whole URL": b"GET http://b/health HTTP/1.1\r\nHost: a\r\n\r\n",
    "another method": b"POST /health HTTP/1.1\r\nHost: a\r\n\r\n",
    "a wait for a body": b"GET /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
    "another protocol": b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "another protocol and a body": b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n" + BODY + b"\r\n",
    "a bad handshake": opening_handshake(1, without=["Sec-WebSocket-Key"]),
    "a handshake with a body": opening_handshake(1, Content_Length=str(len(SMUGGLED))),
    "a handshake elsewhere": opening_handshake(1, "/nothing"),
    "a tunnel": b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "no HTTP": b"\x01\x02\x03\r\n\r\n",
}


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("name", LAST)
def test_nothing_behind_such_a_request_is_taken_for_a_request(broker, name, before):
    with RawConnection(broker.port) as connection:
        connection.send(HEALTH * before + LAST[name] + SMUGGLED * 3)
        connection.receive_end()
    answers = connection.buffer
    assert statuses(answers)[:before] == [200] * before
    assert len(statuses(answers)) == before + 1, answers
    assert b"nothing here" not in answers
    last = answers[answers.rindex(b"HTTP/1.1 ") :]
    assert re.search(rb"\r\nconnection: close\r\n", last, re.IGNORECASE), last


# WebSocket connections


@pytest.mark.parametrize("is_plain", [True, False], ids=["plain head", "other head"])
@pytest.mark.parametrize("together", [True, False], ids=["together", "one after the other"])
def test_a_connection_that_carried_requests_becomes_a_websocket(broker, is_plain, together):
    """What comes right behind the handshake is for the WebSocket connection."""
    handshake = opening_handshake(broker.port, **({} if is_plain else {"X": " padded "}))
    with RawConnection(broker.port) as connection:
        if together:
            connection.send(HEALTH * 2 + handshake + frame(TEXT, ASK))
        for _ in range(2):
            if not together:
                connection.send(HEALTH)
            assert connection.receive_answer()[::2] == (200, "ok\n")
        if not together:
            connection.send(handshake)
            connection.send_text(ASK)
        status, headers = connection.receive_head()
        assert (status, headers["sec-websocket-accept"]) == (101, ACCEPT)
        assert json.loads(connection.receive_text())["data"] == []
        for _ in range(3):
            connection.send_text(ASK)
            assert json.loads(connection.receive_text())["data"] == []


def test_what_follows_a_handshake_is_never_http(broker):
    with RawConnection(broker.port) as connection:
        connection.send(HEALTH + opening_handshake(broker.port) + SMUGGLED)
        connection.receive_end()
    assert statuses(connection.buffer) == [200, 101]
    assert b"nothing here" not in connection.buffer


# Limits


def test_a_connection_makes_as_many_requests_as_it_may(start_broker):
    broker = start_broker("--http-requests-max", "3")
    with RawConnection(broker.port) as connection:
        connection.send(HEALTH * 5)
        ends = [connection.receive_answer()[1].get("connection") for _ in range(3)]
        assert ends == [None, None, "close"]
        assert connection.receive_end() == b""


def test_a_connection_that_is_idle_is_closed_without_a_word(start_broker):
    broker = start_broker("--http-idle", "1")
    with RawConnection(broker.port) as connection:
        for _ in range(2):
            begin = time.monotonic()
            connection.send(HEALTH)
            assert connection.receive_answer()[0] == 200
        assert connection.receive_end() == b""
        assert 0.9 < time.monotonic() - begin < PATIENCE


def test_a_second_request_that_does_not_get_complete_is_408(start_broker):
    broker = start_broker("--handshake-timeout", "1")
    with RawConnection(broker.port) as connection:
        connection.send(HEALTH)
        assert connection.receive_answer()[0] == 200
        connection.send(HEALTH[:-5])
        status, _, body = connection.receive_answer()
        assert (status, "handshakeTimeoutSeconds" in body) == (408, True)
        assert connection.receive_end() == b""


def test_a_second_request_has_as_much_time_as_the_first(start_broker):
    """It is not that of the first which goes on."""
    broker = start_broker("--handshake-timeout", "2")
    with RawConnection(broker.port) as connection:
        begin = time.monotonic()
        while time.monotonic() - begin < 3:
            connection.send(HEALTH)
            assert connection.receive_answer()[0] == 200
            time.sleep(0.2)


@pytest.mark.skipif(OVER_TLS, reason="a FIN without a close_notify is no end of the input there, but a broken connection")
def test_a_peer_that_ends_its_side_gets_its_answers(broker):
    with RawConnection(broker.port) as connection:
        connection.send(HEALTH)
        assert connection.receive_answer()[0] == 200
        connection.send(HEALTH * 3 + HEALTH[:-1])
        connection.finish()
        assert statuses(connection.receive_end()) == [200] * 3


def test_connections_between_two_requests_do_not_hold_up_a_stop(start_broker):
    broker = start_broker("--drain-seconds", "30")
    connections = [RawConnection(broker.port) for _ in range(20)]
    for connection in connections:
        connection.send(HEALTH)
        assert connection.receive_answer()[0] == 200
    begin = time.monotonic()
    broker.stop()
    assert time.monotonic() - begin < PATIENCE
    for connection in connections:
        assert connection.receive_end() == b""
        connection.socket.close()
