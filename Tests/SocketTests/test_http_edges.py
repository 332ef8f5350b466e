"""HTTP as other peers read it, what a URL asks for, and the addresses that are listened on (Protocol §2.1, §2.2, §2.6; RFC 9110, RFC 9112)."""

import asyncio
import http.client
import json
import re
import socket
import ssl
import subprocess

import aiohttp
import pytest
from broker_process import BINARY, PATIENCE, REPOSITORY
from clients import Clients
from over_tls import AUTHORITY, OVER_TLS
from raw_connection import RawConnection, opening_handshake

TARGETS = json.loads((REPOSITORY / "Protocol" / "vectors" / "targets.json").read_text())
HEAD_STATUSES = {"": 200, "health": 200, "ready": 200, "nothing": 404, "v2": 405}


# HEAD


def raw_answer(broker, request):
    """The whole of what comes, to the end of the connection: status, headers, body."""
    with RawConnection(broker.port) as connection:
        connection.send(request)
        connection.receive_end()
        head, _, body = connection.buffer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}, body


@pytest.mark.parametrize("path", HEAD_STATUSES)
def test_the_answer_to_head_has_the_fields_of_get_and_no_content(broker, path):
    status, headers, body = raw_answer(broker, f"HEAD /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert (status, body) == (HEAD_STATUSES[path], b"")
    if status == 200:
        of_get = raw_answer(broker, f"GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert int(headers["content-length"]) == len(of_get[2]) > 0
        assert {name: value for name, value in headers.items() if name != "date"} == {name: value for name, value in of_get[1].items() if name != "date"}
    if status == 405:
        assert headers["allow"] == "GET"


@pytest.mark.parametrize("target", ["/v2", "/v2?workspace=a%20b", "/nothing"])
def test_head_that_asks_for_a_websocket_has_no_content_either(broker, target):
    status, headers, body = raw_answer(broker, opening_handshake(broker.port, target, method="HEAD"))
    assert (status, headers["allow"], body) == (405, "GET", b"")


@pytest.mark.parametrize("path", HEAD_STATUSES)
async def test_head_by_other_peers(broker, path):
    secure = AUTHORITY.context() if OVER_TLS else None
    make = http.client.HTTPSConnection if OVER_TLS else http.client.HTTPConnection
    connection = make("127.0.0.1", broker.port, timeout=PATIENCE, **({"context": secure} if OVER_TLS else {}))
    connection.request("HEAD", f"/{path}")
    assert connection.getresponse().status == HEAD_STATUSES[path]
    connection.close()
    async with aiohttp.ClientSession() as session:
        # aiohttp says of content behind the head that it is no HTTP, with the next request of the connection at the latest.
        for _ in range(3):
            async with session.head(f"{broker.page}{path}", ssl=secure or False) as answer:
                assert (answer.status, await answer.read()) == (HEAD_STATUSES[path], b"")
    done = subprocess.run(["curl", "-sS", "-I", "--noproxy", "*", "--cacert", AUTHORITY.file, broker.page + path], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, "") and f" {HEAD_STATUSES[path]} " in done.stdout.splitlines()[0]


NODE_HEAD = """
const [url, authority] = process.argv.slice(1);
const client = require(url.startsWith("https:") ? "https" : "http");
const options = {method: "HEAD", agent: new client.Agent({keepAlive: true, ca: require("fs").readFileSync(authority)})};
const request = client.request(url, options, answer => {
  answer.on("data", data => console.log("content", data.length));
  answer.on("end", () => console.log(answer.statusCode));
});
request.on("error", error => console.log("error", error.code));
request.on("socket", socket => socket.on("error", error => console.log("error", error.code)));
process.on("uncaughtException", error => console.log("uncaught", error.code));
request.end();
"""


@pytest.mark.parametrize("path", HEAD_STATUSES)
def test_head_by_node(broker, path):
    done = subprocess.run(["node", "-e", NODE_HEAD, broker.page + path, AUTHORITY.file], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout, done.stderr) == (f"{HEAD_STATUSES[path]}\n", "")


# Host


@pytest.mark.parametrize("path", ["/", "/health", "/v2", "/nothing"])
@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: a\r\n", "Host: a\r\nX: y\r\nhost: b\r\n"], ids=["none", "two equal", "two"])
def test_a_request_without_exactly_one_host_is_400(broker, path, hosts):
    """RFC 9112 §3.2."""
    status, _, body = raw_answer(broker, f"GET {path} HTTP/1.1\r\n{hosts}\r\n".encode())
    assert (status, body) == (400, b"exactly one Host header is needed\n")


def test_two_hosts_of_an_opening_handshake_are_400(broker):
    request = opening_handshake(broker.port).replace(b"Upgrade: ", b"Host: b\r\nUpgrade: ", 1)
    assert raw_answer(broker, request)[0] == 400


def test_http_1_0_needs_no_host(broker):
    assert raw_answer(broker, b"GET /health HTTP/1.0\r\n\r\n")[0] == 200


def test_a_large_body_that_nobody_wants_is_not_kept(start_broker):
    broker = start_broker()
    before = broker.resident_bytes()
    with RawConnection(broker.port) as connection:
        connection.send(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 64000000\r\n\r\n")
        try:
            for _ in range(64):
                connection.send(b"x" * 1_000_000)
        except OSError:
            pass
        assert broker.resident_bytes() < before + 24_000_000


# What a URL asks for


@pytest.mark.parametrize("vector", TARGETS, ids=lambda vector: vector["name"])
@pytest.mark.parametrize("is_plain", [True, False], ids=["plain head", "other head"])
def test_a_target_of_the_vectors(broker, vector, is_plain):
    """Heads in the plain form are read by ourselves, others by NIO."""
    with RawConnection(broker.port) as connection:
        connection.send(opening_handshake(broker.port, vector["target"], **({} if is_plain else {"X": " padded "})))
        status, headers = connection.receive_head()
        assert status == vector.get("status", 101)
        if status != 101:
            assert headers["content-type"].startswith("text/plain")
            return
        connection.send_text('{"request":"system.getAllowedServices","referenceId":"1"}')
        assert ("interaction.markdone" not in json.loads(connection.receive_text())["data"]) == (vector["workspace"] == "*")


@pytest.mark.parametrize("name", ["Workspace", "WORKSPACE", "workSpace"])
def test_a_parameter_in_another_case_is_refused_with_a_hint(broker, name):
    status, _, body = raw_answer(broker, opening_handshake(broker.port, f"/v2?{name}=agent-7"))
    assert (status, body.decode()) == (400, f'there is no parameter "{name}", expected workspace\n')


def test_a_workspace_that_is_given_twice_is_refused(broker):
    status, _, body = raw_answer(broker, opening_handshake(broker.port, "/v2?workspace=a&workspace=b"))
    assert (status, body) == (400, b"workspace is given 2 times, expected it once at most\n")


# The wrong scheme


@pytest.mark.skipif(OVER_TLS, reason="the port without TLS is meant")
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tls_to_the_port_without_tls_ends_quickly_and_is_logged(start_broker, version):
    broker = start_broker("--log-level", "info")
    with socket.create_connection(("127.0.0.1", broker.port), timeout=PATIENCE) as connection:
        context = ssl.create_default_context()
        context.minimum_version = context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_hostname="localhost")
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(194)
    for first in [1, 3, len(hello)]:
        with RawConnection(broker.port) as connection:
            connection.send(hello[:first])
            if first > 1:
                assert connection.receive_answer()[::2] == (400, "this port speaks no TLS: use http:// and ws://\n")
                assert connection.receive_end() == b""
    lines = [line for line in broker.error_text().splitlines() if "speaks TLS to the port without TLS" in line]
    assert len(lines) >= 3 and "from=" in lines[0] and "127.0.0.1" in lines[0]


# Addresses


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="there is no ::1 here")


class Serving:
    """`casebus serve` on a host of the test's own."""

    def __init__(self, *options):
        self.process = subprocess.Popen([BINARY, "serve", "--journal", "memory", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        self.line = self.process.stdout.readline()
        self.urls = re.findall(r"ws://\S+/v2", self.line)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate(timeout=PATIENCE)


async def get(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as connection:
        await connection.send_str('{"request":"interaction.getInteractions","referenceId":"1"}')
        return (await connection.receive(PATIENCE)).json()["data"]


@needs_ipv6
@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_ipv6_is_listened_on_with_and_without_brackets(host):
    with Serving("--host", host, "--port", "0") as serving:
        [url] = serving.urls
        assert re.fullmatch(r"ws://\[::1\]:\d+/v2", url)
        assert await get(url) == []


@needs_ipv6
async def test_localhost_is_both_families_on_one_port():
    with Serving("--host", "localhost", "--port", "0") as serving:
        assert [re.sub(r":\d+/", ":1/", url) for url in serving.urls] == ["ws://127.0.0.1:1/v2", "ws://[::1]:1/v2"]
        assert len({url.rpartition(":")[2] for url in serving.urls}) == 1
        for url in serving.urls:
            assert await get(url) == []


async def test_a_numeric_address_is_that_one_only():
    with Serving("--host", "127.0.0.1", "--port", "0") as serving:
        assert len(serving.urls) == 1
        assert await get(serving.urls[0]) == []


@needs_ipv6
def test_a_port_that_is_taken_at_one_of_two_addresses_is_named():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([BINARY, "serve", "--journal", "memory", "--host", "localhost", "--port", str(port)], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: cannot listen on [::1]:{port}: Address already in use (another process listens there: end it, or choose another port)\n"


@pytest.mark.parametrize(("host", "words"), [("no-such-host.invalid", "no-such-host.invalid:8"), ("192.0.2.1", "no interface of this machine has it"), ("[::1", "[::1:8")])
def test_a_host_that_is_not_here_is_said_plainly(host, words):
    done = subprocess.run([BINARY, "serve", "--journal", "memory", "--host", host, "--port", "8"], capture_output=True, text=True, timeout=2 * PATIENCE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: cannot listen on ") and words in done.stderr and done.stderr.count("\n") == 1


def test_an_empty_host_is_a_wrong_option():
    done = subprocess.run([BINARY, "serve", "--journal", "memory", "--host", "", "--port", "8"], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.splitlines()[0] == 'Error: --host is "", expected a text that is not empty'


# The log


FORGED = "bye\n2026-11-25T00:00:00+0000 error casebus: forged=1 [CasebusBroker] session opened"


@pytest.mark.parametrize("reason", [FORGED, "\r" + FORGED, "bye session=other code=1000", "\x1b[2J", "\u2028forged=1", "\u202egro.elpmaxe"])
def test_what_a_client_says_forges_no_line_and_no_field_of_the_log(start_broker, reason):
    broker = start_broker("--log-level", "info")
    with RawConnection(broker.port) as connection:
        connection.open("w").send_frame(8, (4000).to_bytes(2, "big") + reason.encode()[:123])
        connection.receive_end()
    broker.stop()
    text = broker.error_text()
    lines = text.splitlines()  # also at U+2028
    assert [line.rpartition("] ")[2] for line in lines if "[CasebusBroker]" in line] == ["session opened", "session closed"], text
    [closed] = [line for line in lines if line.endswith("session closed")]
    assert re.findall(r"(?<= )(\w+)=", re.sub(r'"([^"\\]|\\.)*"', "...", closed)) == ["bytesSent", "code", "messages", "milliseconds", "reason", "session"]
    assert text.isascii() and "\x1b" not in text
