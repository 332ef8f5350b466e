"""`casebus` as a TLS client: against its own broker, and against servers of Python's websockets that it must not trust."""

import asyncio
import contextlib
import datetime
import json
import ssl
import subprocess
import threading

import pytest
import websockets.asyncio.server
from broker_process import BINARY, PATIENCE, BrokerProcess
from over_tls import AUTHORITY, CHAIN, KEY, Authority, serve_options

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
STRANGERS = Authority("strangers-of-the-client")


@contextlib.contextmanager
def server(chain, key, version=None):
    """Answers every request with its referenceId; gives the port, and what clients have shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.load_verify_locations(AUTHORITY.file)
    context.verify_mode = ssl.CERT_OPTIONAL
    if version:
        context.minimum_version = context.maximum_version = version
    shown = []

    async def answer(bus):
        shown.append(bus.transport.get_extra_info("peercert"))
        async for text in bus:
            reference = json.loads(text)["referenceId"]
            await bus.send(json.dumps({"referenceId": reference, "data": bus.transport.get_extra_info("cipher")[1], "userAgent": "x", "protocolVersion": 2}))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve():
        return await websockets.asyncio.server.serve(answer, "127.0.0.1", 0, ssl=context)

    serving = asyncio.run_coroutine_threadsafe(serve(), loop).result(PATIENCE)
    try:
        yield serving.sockets[0].getsockname()[1], shown
    finally:
        loop.call_soon_threadsafe(serving.close)
        asyncio.run_coroutine_threadsafe(serving.wait_closed(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def call(port, *options, host="localhost"):
    command = [BINARY, "call", "--url", f"wss://{host}:{port}/v2", *map(str, options), "interaction.getInteractions"]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_it_talks_to_a_python_server_that_it_trusts(version, host):
    with server(CHAIN, KEY, version) as (port, _):
        done = call(port, "--cacert", AUTHORITY.file, host=host)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout == f'"{version.name.replace("_", ".")}"\n'


def refused():
    expired = AUTHORITY.issue("client-expired", not_before=NOW - 3 * DAY, not_after=NOW - DAY)
    future = AUTHORITY.issue("client-future", not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    trusted = ["--cacert", AUTHORITY.file]
    alone = self_signed()
    return {
        "wrong host": (AUTHORITY.issue("client-wrong", "broker.test"), trusted, "the certificate is not for localhost, it is for broker.test"),
        "expired": (expired, trusted, "expired on"),
        "not yet valid": (future, trusted, "is not valid before"),
        "self-signed": (alone, trusted, "is self-signed, and is not a trusted one"),
        "self-signed, system": (alone, [], "is self-signed, and is not a trusted one"),
        "unknown authority": (STRANGERS.issue("client-stranger"), trusted, "is from an authority that is not trusted"),
        "unknown authority, system": (STRANGERS.issue("client-stranger-2"), [], "is from an authority that is not trusted"),
    }


def self_signed():
    from over_tls import FOLDER

    chain, key = FOLDER / "alone.pem", FOLDER / "alone.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", chain]
    subprocess.run([*command, "-days", "2", "-subj", "/CN=alone", "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    return chain, key


REFUSED = refused()


@pytest.mark.parametrize("name", REFUSED)
def test_a_server_that_is_not_trusted_is_refused_with_the_reason(name):
    files, options, reason = REFUSED[name]
    with server(*files) as (port, shown):
        done = call(port, *options)
        assert shown == []
    assert (done.returncode, done.stdout) == (1, ""), done
    assert reason in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 2, done.stderr


@pytest.mark.parametrize("name", REFUSED)
def test_insecure_connects_to_anybody_and_says_so_loudly(name):
    with server(*REFUSED[name][0]) as (port, _):
        done = call(port, "--insecure")
    assert done.returncode == 0, done
    assert done.stderr.startswith("WARNING: --insecure: ") and "Anybody" in done.stderr


def test_it_shows_its_own_certificate_if_it_is_asked():
    chain, key = AUTHORITY.issue("client-own", common_name="bot-9")
    with server(CHAIN, KEY) as (port, shown):
        assert call(port, "--cacert", AUTHORITY.file, "--cert", chain, "--key", key).returncode == 0
        assert (("commonName", "bot-9"),) in shown[0]["subject"]
        assert call(port, "--cacert", AUTHORITY.file).returncode == 0
        assert shown[1] is None


@pytest.mark.parametrize(
    "options, text",
    [
        (["--cacert", "a", "--insecure"], "exclude each other"),
        (["--cert", "a"], "--cert and --key need each other"),
        (["--cacert", "/no/such.pem"], "/no/such.pem: it cannot be read: No such file or directory"),
    ],
)
def test_bad_options_are_named(options, text):
    done = call(1, *options)
    assert done.returncode != 0
    assert text in done.stderr, done.stderr


def test_tls_options_need_a_tls_url():
    done = subprocess.run([BINARY, "call", "--url", "ws://localhost:1/v2", "--insecure", "x"], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, "wss://" in done.stderr) == (64, True), done


def test_a_plain_server_on_the_port_is_said_plainly():
    broker = BrokerProcess(listen=["--port", "0"])
    try:
        done = call(broker.port, "--insecure")
    finally:
        broker.stop()
    assert done.returncode == 1
    assert "does not speak TLS" in done.stderr, done.stderr


def test_a_server_that_accepts_and_ends_is_said_plainly():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def end():
            connection, _ = listener.accept()
            connection.recv(100)
            connection.close()

        thread = threading.Thread(target=end)
        thread.start()
        done = call(listener.getsockname()[1], "--insecure", host="127.0.0.1")
        thread.join()
    assert done.returncode == 1
    assert "the connection ended during the handshake" in done.stderr, done.stderr


def test_the_commands_work_over_tls(tmp_path):
    broker = BrokerProcess(listen=serve_options())
    try:
        options = ["--url", broker.url, "--cacert", AUTHORITY.file]
        subscriber = subprocess.Popen([BINARY, "subscribe", *options, "--events", "messenger:lunch", "--count", "1"], stdout=subprocess.PIPE, text=True)
        while subscriber.poll() is None:
            done = subprocess.run([BINARY, "publish", *options, "messenger:lunch", '"soup"'], capture_output=True, text=True, timeout=PATIENCE)
            assert (done.returncode, done.stderr) == (0, ""), done
        assert '"soup"' in subscriber.communicate(timeout=PATIENCE)[0]
        simulation = [BINARY, "simulate", *options, "--agents", "2", "--rate", "20", "--duration", "1"]
        assert subprocess.run(simulation, capture_output=True, timeout=2 * PATIENCE).returncode == 0
    finally:
        broker.stop()
