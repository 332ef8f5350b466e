"""Plain HTTP on the broker's port, and opening handshakes that are no good (Protocol §2.1, §2.2, §2.6; RFC 6455 §4)."""

import asyncio
import json
import re
import subprocess
import time

import aiohttp
import pytest
import websockets
from broker_process import PATIENCE
from clients import LIBRARIES, Clients
from over_tls import AUTHORITY
from raw_connection import ACCEPT, CLOSE, KEY, RawConnection, opening_handshake


def curl(*arguments):
    """The status, the headers (names in lower case) and the body."""
    result = subprocess.run(["curl", "-sS", "-i", "--noproxy", "*", "--cacert", AUTHORITY.file, "--max-time", str(PATIENCE), *arguments], capture_output=True, timeout=2 * PATIENCE)
    assert result.returncode == 0, result.stderr
    head, _, body = result.stdout.decode().partition("\r\n\r\n")
    lines = head.split("\r\n")
    return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}, body


def one_line(body):
    """The text of an answer that says in one line what was wrong."""
    assert re.fullmatch(r"[^\n<>]{5,}\n?", body), body
    return body


def handshake(broker, target="/v2", **options):
    """The answer to an opening handshake."""
    with RawConnection(broker.port) as connection:
        connection.send(opening_handshake(broker.port, target, **options))
        return connection.receive_answer()


def test_the_page_says_what_this_is_and_how_to_connect(broker):
    status, headers, body = curl(broker.page)
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert int(headers["content-length"]) == len(body.encode())
    assert "Casebus" in body and broker.url in body
    assert body.lower().startswith("<!doctype html>") and body.rstrip().endswith("</html>")


@pytest.mark.parametrize("request_head", ["CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "GET /v2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"])
def test_what_follows_the_last_request_is_not_kept(start_broker, request_head):
    broker = start_broker()
    before = broker.resident_bytes()
    with RawConnection(broker.port) as connection:
        connection.send(request_head.encode())
        assert connection.receive_answer()[0] in (200, 405, 426)
        try:
            for _ in range(64):
                connection.send(b"x" * 1_000_000)
        except OSError:
            pass
        assert broker.resident_bytes() < before + 24_000_000


@pytest.mark.parametrize("path", ["", "nothing", "v2"])
def test_a_request_that_offers_http2_is_answered_by_http1(broker, path):
    """As `curl --http2` does: RFC 9110 §7.8 lets a server ignore the Upgrade header."""
    status, _, _ = curl("-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", "-H", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA", broker.page + path)
    assert status == {"": 200, "nothing": 404, "v2": 400}[path]


def test_the_page_writes_the_name_it_was_called_by_as_text(broker):
    with RawConnection(broker.port) as connection:
        connection.send(b'GET / HTTP/1.1\r\nHost: "><script>alert(1)</script>\r\n\r\n')
        status, _, body = connection.receive_answer()
    assert status in {200, 400}
    assert "<script>alert" not in body


@pytest.mark.parametrize("path", ["nothing", "index.html", "v1", "v3", "v2/", "v2/x", "v2x", "V2", "..%2f", "a/b/c?workspace=default"])
def test_an_unknown_path_is_404(broker, path):
    status, _, body = curl("--path-as-is", broker.page + path)
    assert status == 404
    assert broker.url not in body
    assert handshake(broker, f"/{path}")[0] == 404


BAD_WORKSPACES = ["", "a b", "a%20b", "a%2Fb", "ä", "%C3%A4", "a*", "**", "a/b", "x" * 65, "a%00", "a%0Ab", "%", "a+b", "a:b"]


@pytest.mark.parametrize("workspace", [one for one in BAD_WORKSPACES if one.isascii() and " " not in one])
def test_a_bad_workspace_is_400_with_one_line_of_text(broker, workspace):
    status, headers, body = handshake(broker, f"/v2?workspace={workspace}")
    assert status == 400
    assert headers["content-type"].startswith("text/plain")
    assert "workspace" in one_line(body)


@pytest.mark.parametrize("workspace", BAD_WORKSPACES)
async def test_a_bad_workspace_is_400_for_client_libraries(broker, workspace):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        await LIBRARIES["websockets"].connect(broker.url_of(workspace.replace(" ", "%20").replace("ä", "%C3%A4")))
    assert refused.value.response.status_code == 400
    assert b"workspace" in refused.value.response.body
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await LIBRARIES["aiohttp"].connect(broker.url_of(workspace))
    assert refused.value.status == 400


@pytest.mark.parametrize("workspace", ["a", "x" * 64, "A-Z_a.z-0.9", "..", "%61gent", "a&other=1", "*", "%2A"])
async def test_a_good_workspace_is_taken(broker, workspace):
    with RawConnection(broker.port) as connection:
        connection.open(workspace)
        connection.send_text('{"request":"system.getAllowedServices","referenceId":"1"}')
        services = json.loads(connection.receive_text())["data"]
    assert ("interaction.markdone" in services) == (workspace not in {"*", "%2A"})


async def test_a_workspace_is_the_same_however_it_is_written(broker, workspace):
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        await client.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
        other = await clients.open("".join(f"%{ord(letter):02X}" for letter in workspace))
        assert [one["interactionId"] for one in await other.request("interaction.getInteractions")] == ["1"]


def test_a_good_handshake_is_answered_as_the_rfc_says(broker):
    with RawConnection(broker.port) as connection:
        connection.send(opening_handshake(broker.port, Sec_WebSocket_Protocol="chat, superchat", Sec_WebSocket_Extensions="x-unknown"))
        status, headers = connection.receive_head()
    assert status == 101
    assert headers["sec-websocket-accept"] == ACCEPT
    assert headers["upgrade"].lower() == "websocket"
    assert headers["connection"].lower() == "upgrade"
    assert "sec-websocket-protocol" not in headers and "sec-websocket-extensions" not in headers


@pytest.mark.parametrize("headers", [
    {"Upgrade": "WebSocket"}, {"Connection": "keep-alive, Upgrade"}, {"Connection": "upgrade"}, {"Sec_WebSocket_Version": " 13 "},
    {"Origin": "https://example.com"}, {"Cookie": "a=b"}, {"sec_websocket_key": KEY, "without": ["Sec-WebSocket-Key"]},
])
def test_a_handshake_may_be_written_in_other_ways(broker, headers):
    with RawConnection(broker.port) as connection:
        connection.send(opening_handshake(broker.port, **headers))
        assert connection.receive_head()[0] == 101


@pytest.mark.parametrize(("options", "expected", "word"), [
    ({"without": ["Upgrade"]}, 400, "Upgrade"),
    ({"without": ["Connection"]}, 400, "Connection"),
    ({"Upgrade": "h2c"}, 400, "Upgrade"),
    ({"Connection": "close"}, 400, "Connection"),
    ({"without": ["Sec-WebSocket-Key"]}, 400, "Sec-WebSocket-Key"),
    ({"Sec_WebSocket_Key": "short"}, 400, "Sec-WebSocket-Key"),
    ({"Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZTE="}, 400, "Sec-WebSocket-Key"),
    ({"Sec_WebSocket_Key": ""}, 400, "Sec-WebSocket-Key"),
    ({"without": ["Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version"]}, 400, "Upgrade"),
], ids=str)
def test_a_handshake_that_lacks_something_is_400(broker, options, expected, word):
    status, headers, body = handshake(broker, **options)
    assert status == expected
    assert headers["content-type"].startswith("text/plain")
    assert word in one_line(body)


def test_a_request_without_host_is_400(broker):
    assert handshake(broker, without=["Host"])[0] == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_than_get_is_405(broker, method):
    status, headers, body = handshake(broker, method=method)
    assert status == 405
    assert headers["allow"] == "GET"
    assert "GET" in one_line(body)


@pytest.mark.parametrize("version", ["8", "12", "14", "0", "abc", "13, 8", "013", None])
def test_another_version_is_426_and_the_answer_names_13(broker, version):
    options = {"without": ["Sec-WebSocket-Version"]} if version is None else {"Sec_WebSocket_Version": version}
    status, headers, body = handshake(broker, **options)
    assert status == 426
    assert headers["sec-websocket-version"] == "13"
    assert headers["upgrade"].lower() == "websocket"
    assert "13" in one_line(body)


def test_a_browser_that_opens_the_websocket_url_is_told_what_it_is(broker):
    status, _, body = curl(broker.page + "v2")
    assert status == 400
    assert "Upgrade" in one_line(body)


def test_a_refused_handshake_leaves_nothing_open(broker):
    with RawConnection(broker.port) as connection:
        connection.send(opening_handshake(broker.port, "/v2?workspace=a%20b"))
        assert connection.receive_answer()[0] == 400
        assert connection.receive_end() == b""


@pytest.mark.parametrize("part", ["/v2", "/v2?workspace=a%20b", "/nothing"])
async def test_a_client_that_is_refused_can_try_again(broker, workspace, part):
    for _ in range(20):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await LIBRARIES["aiohttp"].connect(broker.page.rstrip("/") + part.replace("/v2", "/v2?workspace=a b", part == "/v2"))
    async with Clients(broker) as clients:
        assert await (await clients.open(workspace)).request("interaction.getInteractions") == []


async def open_when_there_is_room(clients, workspace):
    """The broker frees the place of a session when its connection has ended on its side too."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await clients.open(workspace, "aiohttp")
        except aiohttp.WSServerHandshakeError as refused:
            assert refused.status == 503
            assert time.monotonic() < deadline, "there is no room"
            await asyncio.sleep(0.01)


async def test_a_full_broker_answers_503_until_there_is_room(start_broker):
    broker = start_broker("--sessions-max", "3", "--drain-seconds", "1")
    async with Clients(broker) as clients:
        sessions = [await clients.open(f"w{number}") for number in range(3)]
        for _ in range(5):
            status, headers, body = handshake(broker, "/v2?workspace=w9")
            assert status == 503
            assert headers["content-type"].startswith("text/plain")
            assert "3" in one_line(body) and "sessionsMax" in body
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            await clients.open("w0", "websockets")
        assert refused.value.response.status_code == 503
        assert curl(broker.page)[0] == 200  # the page is no session
        for session in sessions:
            assert await session.request("interaction.getInteractions") == []
        await sessions[0].close()
        late = await open_when_there_is_room(clients, "w0")
        assert await late.request("interaction.getInteractions") == []
        assert handshake(broker)[0] == 503


def test_no_more_sessions_than_the_limit_open_at_once(start_broker):
    """A broker that is full is full, also when many come in the same moment."""
    broker = start_broker("--sessions-max", "5", "--drain-seconds", "1")
    for _ in range(5):
        connections = [RawConnection(broker.port) for _ in range(40)]
        for index, connection in enumerate(connections):
            connection.send(opening_handshake(broker.port, f"/v2?workspace=w{index}"))
        statuses = [connection.receive_head()[0] for connection in connections]
        assert set(statuses) == {101, 503}
        assert statuses.count(101) == 5
        for connection, status in zip(connections, statuses):
            if status == 101:
                connection.send_frame(CLOSE, (1000).to_bytes(2, "big"))
                assert connection.receive_close()[0] == 1000
            connection.receive_end()
            connection.socket.close()
        wait_for_room(broker)


def wait_for_room(broker):
    """Until a session can open. The places of several sessions that ended before are free then too."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with RawConnection(broker.port) as connection:
            connection.send(opening_handshake(broker.port))
            if connection.receive_head()[0] == 101:
                connection.send_frame(CLOSE, (1000).to_bytes(2, "big"))
                assert connection.receive_close()[0] == 1000
                return
        assert time.monotonic() < deadline, "sessions that ended still count"


@pytest.mark.parametrize("path", ["/", "/v2?workspace=a%20b"])
def test_a_request_that_comes_in_pieces_is_answered(broker, path):
    with RawConnection(broker.port) as connection:
        connection.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
        for byte in f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode():
            connection.send(bytes([byte]))
        assert connection.receive_answer()[0] in {200, 400}
