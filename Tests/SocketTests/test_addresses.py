"""How a broker is named on the command line, and what is said when it is not reached as it is named."""

import json
import socket
import subprocess
import threading

import pytest
from broker_process import BINARY, PATIENCE, BrokerProcess, read_line
from clients import Clients
from over_tls import AUTHORITY, serve_options
from raw_connection import opening_handshake


def casebus(*arguments, text=None):
    return subprocess.run(
        [BINARY, *map(str, arguments)], input=text, stdin=subprocess.DEVNULL if text is None else None, capture_output=True, text=True, timeout=2 * PATIENCE)


class Relay:
    """Listens on [::1] and passes everything on to a port of 127.0.0.1: brokers of these tests listen there only."""

    def __init__(self, port):
        self.target = port
        self.listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        self.port = self.listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in [(client, server), (server, client)]:
                threading.Thread(target=self.copy, args=(source, sink, source is client), daemon=True).start()

    def copy(self, source, sink, is_kept):
        try:
            while data := source.recv(65536):
                if is_kept:
                    self.received.append(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def plain_broker():
    return BrokerProcess(listen=["--port", "0"])


@pytest.fixture(params=["ws", "wss"])
def over_ipv6(request):
    """The options for a broker that is reached by an IPv6 address."""
    broker = plain_broker() if request.param == "ws" else BrokerProcess(listen=serve_options())
    relay = Relay(broker.port)
    try:
        yield ["--url", f"{request.param}://[::1]:{relay.port}/v2", *(["--cacert", AUTHORITY.file] if request.param == "wss" else [])], relay, broker
    finally:
        relay.close()
        broker.stop()


def test_every_command_takes_an_ipv6_address(over_ipv6):
    on, relay, broker = over_ipv6
    for arguments, output in [
        (["publish", "interaction", '{"eventType":"RINGING","interaction":{"interactionId":"1"}}'], ""),
        (["call", "interaction.getByInteractionId", "2"], "null\n"),
        (["subscribe", "--durable", "bot", "--since", "beginning", "--count", "1"], None),
        (["consumer", "get", "bot"], None),
        (["consumer", "list"], None),
        (["consumer", "delete", "bot"], ""),
        (["simulate", "--duration", "0.5", "--rate", "20"], ""),
    ]:
        count = 2 if arguments[0] == "consumer" else 1
        done = casebus(*arguments[:count], *on, *arguments[count:])
        assert done.returncode == 0, done
        assert output is None or done.stdout == output
    if broker.scheme == "http":
        assert f"Host: [::1]:{relay.port}\r\n".lower() in b"".join(relay.received).decode(errors="replace").lower()


def test_the_scheme_and_the_path_may_be_left_out_of_an_ipv6_address_too():
    broker = plain_broker()
    relay = Relay(broker.port)
    try:
        done = casebus("call", "--url", f"[::1]:{relay.port}", "interaction.getInteractions")
        assert (done.returncode, done.stdout) == (0, "[]\n"), done
    finally:
        relay.close()
        broker.stop()


def test_a_certificate_for_another_address_is_refused():
    broker = BrokerProcess(listen=serve_options(*AUTHORITY.issue("only-ipv4", "127.0.0.1")))
    relay = Relay(broker.port)
    try:
        done = casebus("call", "--url", f"wss://[::1]:{relay.port}/v2", "--cacert", AUTHORITY.file, "x")
        assert done.returncode == 1 and "the certificate is not for ::1" in done.stderr, done
    finally:
        relay.close()
        broker.stop()


def test_tls_to_a_plain_port_says_what_is_wrong():
    broker = plain_broker()
    try:
        done = casebus("call", "--url", f"wss://127.0.0.1:{broker.port}/v2", "--insecure", "x")
    finally:
        broker.stop()
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        "Error: the server does not speak TLS on this port", f"Connect without TLS: --url ws://127.0.0.1:{broker.port}/v2"]


def test_no_tls_to_a_tls_port_says_what_is_wrong():
    broker = BrokerProcess(listen=serve_options())
    try:
        done = casebus("call", "--url", f"ws://127.0.0.1:{broker.port}/v2", "x")
    finally:
        broker.stop()
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Error: the server refused the connection with HTTP status 400: this port speaks TLS: use https:// and wss://",
        f"Connect by TLS: --url wss://127.0.0.1:{broker.port}/v2",
    ]


def test_who_is_refused_by_a_broker_is_not_told_to_start_one():
    broker = BrokerProcess("--sessions-max", "1", "--drain-seconds", "1", listen=["--port", "0"])
    try:
        with socket.create_connection(("127.0.0.1", broker.port), timeout=PATIENCE) as holder:
            holder.sendall(opening_handshake(broker.port, "/v2"))
            assert holder.recv(1024).startswith(b"HTTP/1.1 101 ")
            done = casebus("call", "--url", broker.url, "interaction.getInteractions")
        assert "503" in done.stderr and "casebus serve" not in done.stderr, done
    finally:
        broker.stop()


@pytest.mark.parametrize(("url", "words"), [
    ("ws://127.0.0.1:99999/v2", ["99999", "1 to 65535"]),
    ("ws://127.0.0.1:0/v2", ["port is 0", "1 to 65535"]),
    ("ws://::1:8080/v2", ["::1", "[::1]"]),
    ("::1", ["::1", "[::1]"]),
    ("http://127.0.0.1:8080/v2", ["ws:// or wss://"]),
    ("ws:///v2", ["host"]),
    ("ws://127.0.0.1:8080/v3", ["/v3", "/v2"]),
    ("ws://127.0.0.1:8080/v2?workspace=a", ["--workspace"]),
    ("ws://somebody@127.0.0.1/v2", ["ws://HOST:PORT"]),
])
def test_a_bad_url_is_said_with_what_would_be_right(url, words):
    done = casebus("call", "--url", url, "x")
    assert (done.returncode, done.stdout) == (64, ""), done
    for word in ["--url", *words]:
        assert word in done.stderr.partition("\nUsage:")[0], done.stderr


@pytest.mark.parametrize("arguments", [
    ["subscribe", "ws://[::1]:1/v2"],
    ["subscribe", "ws://127.0.0.1:1/v2", "--workspace", "w"],
    ["simulate", "wss://127.0.0.1:1/v2"],
    ["consumer", "list", "ws://127.0.0.1:1/v2"],
    ["consumer", "get", "bot", "ws://127.0.0.1:1/v2"],
    ["publish", "ws://127.0.0.1:1/v2", "agent", "{}"],
    ["publish", "ws://127.0.0.1:1/v2"],
    ["call", "ws://127.0.0.1:1/v2", "interaction.getInteractions"],
], ids=" ".join)
def test_an_address_by_itself_is_told_from_the_option(arguments):
    done = casebus(*arguments, text="")
    assert (done.returncode, done.stdout) == (64, "")
    [address] = [argument for argument in arguments if "://" in argument]
    assert f"--url {address}" in done.stderr, done.stderr


async def test_subscribe_to_all_workspaces_comes_back_and_says_that_events_may_be_missing(start_broker, tmp_path):
    data = str(tmp_path / "journal")
    broker = start_broker("--drain-seconds", "1", "--data", data)
    command = [BINARY, "subscribe", "--url", broker.url, "--workspace", "*", "--events", "agent", "--reconnect"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    try:
        for restart in range(3):
            async with Clients(broker) as clients:
                source = await clients.open(f"w{restart}")
                for _ in range(300):
                    await source.publish("agent", {"n": restart})
                    try:
                        event = json.loads(read_line(process, 0.05))
                        while event["data"] != {"n": restart}:
                            event = json.loads(read_line(process, 0.05))
                        break
                    except AssertionError:
                        continue
                else:
                    raise AssertionError(f"nothing is printed after restart {restart}")
                assert event["workspaceId"] == f"w{restart}"
            if restart < 2:
                broker.stop()
                broker = start_broker("--drain-seconds", "1", "--port", str(broker.port), "--data", data)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)
    assert errors.decode().splitlines() == [
        "some events may be missing here: a subscription to all workspaces cannot go on where it was, a durable one can"] * 2
