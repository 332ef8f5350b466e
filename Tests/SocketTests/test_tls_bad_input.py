"""What is wrong on a TLS port, and what the start of a broker says to files that are no good."""

import datetime
import os
import re
import selectors
import socket
import ssl
import struct
import subprocess
import time

import pytest
import websockets.sync.client
from broker_process import BINARY, PATIENCE, BrokerProcess
from over_tls import AUTHORITY, CHAIN, FOLDER, KEY, serve_options
from test_tls_peers import ocsp_response

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def broker():
    broker = BrokerProcess("--log-level", "info", listen=serve_options())
    yield broker
    broker.stop()


def exchange(port, data, timeout=PATIENCE):
    """Everything that comes back, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(data)
        received = b""
        try:
            while data := connection.recv(4096):
                received += data
        except ConnectionResetError:
            pass
        return received


def is_alert(data):
    """One fatal alert, and nothing else (RFC 8446 §6)."""
    return len(data) == 7 and data[0] == 21 and data[3:6] == b"\x00\x02\x02"


# On the port


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "PATCH", "TRACE"])
def test_plain_http_gets_400_that_says_to_use_https(broker, method):
    begin = time.monotonic()
    answer = exchange(broker.port, f"{method} /v2 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head, _, body = answer.decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ")
    assert "https://" in body and "wss://" in body
    assert time.monotonic() - begin < 5


def test_curl_shows_what_plain_http_gets(broker):
    done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--max-time", "10", f"http://127.0.0.1:{broker.port}/"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "this port speaks TLS: use https:// and wss://\n"


@pytest.mark.parametrize("data", [b"\0" * 64, b"SSH-2.0-OpenSSH_9.2\r\n", os.urandom(64).replace(b"\x16", b"\0"), b"\x16\x03\x01\xff\xff" + b"a" * 100, b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + b"a" * 100, b"\x80\x2e\x01\x00\x02" + b"a" * 50])
def test_garbage_gets_an_alert_and_the_end(broker, data):
    begin = time.monotonic()
    assert is_alert(exchange(broker.port, data))
    assert time.monotonic() - begin < 5


def test_a_client_that_stalls_is_cut_off_at_the_deadline():
    broker = BrokerProcess("--log-level", "info", "--tls-handshake-timeout", "1", listen=serve_options())
    try:
        for data in [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"]:
            begin = time.monotonic()
            assert exchange(broker.port, data) == b""
            assert 0.9 < time.monotonic() - begin < 5
    finally:
        broker.stop()
    assert broker.error_text().count("TLS: the handshake took longer than 1 s") == 3


def test_a_request_that_stalls_after_the_handshake_is_answered_at_its_deadline():
    broker = BrokerProcess("--handshake-timeout", "1", listen=serve_options())
    try:
        with tls_connection(broker) as connection:
            connection.sendall(b"GET / HT")
            assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
    finally:
        broker.stop()


def test_a_broker_that_is_full_says_so_over_tls():
    broker = BrokerProcess("--sessions-max", "1", "--connections-per-address-max", "2", listen=serve_options())
    try:
        with tls_connection(broker), tls_connection(broker), tls_connection(broker) as third:
            third.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"connectionsPerAddressMax" in third.recv(1000)
    finally:
        broker.stop()


def tls_connection(broker, **options):
    plain = socket.create_connection(("127.0.0.1", broker.port), PATIENCE)
    return AUTHORITY.context().wrap_socket(plain, server_hostname="localhost", **options)


def test_the_broker_says_close_notify_before_the_end(broker):
    with tls_connection(broker, suppress_ragged_eofs=False) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = b""
        while data := connection.recv(4096):  # an end without close_notify would raise
            answer += data
        assert answer.endswith(b"\r\n\r\nok\n")


def test_a_session_that_ends_without_close_notify_is_logged_as_truncated(broker):
    bus = websockets.sync.client.connect(broker.url, ssl=AUTHORITY.context(), proxy=None)
    port = bus.local_address[1]
    socket.socket.shutdown(bus.socket, socket.SHUT_WR)
    opened = wait_for(broker, rf"from=127\.0\.0\.1:{port} session=(\S+) ")
    assert "code=1006" in (closed := wait_for(broker, rf"(.*) session={opened} .*session closed")), closed
    assert "without a close_notify" in closed


def wait_for(broker, pattern):
    deadline = time.monotonic() + PATIENCE
    while not (match := re.search(pattern, broker.error_text())):
        assert time.monotonic() < deadline, broker.error_text()
        time.sleep(0.05)
    return match[1]


def test_failures_are_logged_each_with_its_own_reason(broker):
    """One after the other and at the same time: the queue of OpenSSL's errors is shared by all connections of a thread."""
    wrong = [(b"\0" * 64, "wrong version number"), (b"GET / HTTP/1.1\r\n\r\n", "plain HTTP on a TLS port")]
    before = {reason: broker.error_text().count(reason) for _, reason in wrong}
    connections = []
    for _ in range(20):
        for data, _ in wrong:
            connections.append(socket.create_connection(("127.0.0.1", broker.port), PATIENCE))
            connections[-1].sendall(data)
        with tls_connection(broker) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in connection.recv(1000)
    for connection in connections:
        while connection.recv(4096):
            pass
        connection.close()
    for _, reason in wrong:
        assert broker.error_text().count(reason) - before[reason] == 20


def test_a_storm_of_handshakes_starves_no_session():
    """800 clients say hello at once; a session that is there goes on to be answered meanwhile."""
    broker = BrokerProcess("--tls-handshakes-max", "1000", listen=serve_options())
    hello = client_hello()
    try:
        with websockets.sync.client.connect(broker.url, ssl=AUTHORITY.context(), proxy=None) as bus:
            begin = time.monotonic()
            storm = [socket.create_connection(("127.0.0.1", broker.port), PATIENCE) for _ in range(800)]
            for connection in storm:
                connection.sendall(hello)
            during = max(latency(bus) for _ in range(5))
            await_server_hellos(storm)
            took = time.monotonic() - begin
            for connection in storm:
                connection.close()
    finally:
        broker.stop()
    # Done in one row, they would keep the session waiting as long as they take.
    assert during < took / 3, (during, took)


def await_server_hellos(connections):
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, selectors.EVENT_READ)
        deadline = time.monotonic() + PATIENCE
        while selector.get_map():
            assert time.monotonic() < deadline, len(selector.get_map())
            for key, _ in selector.select(1):
                assert key.fileobj.recv(4096)[0] == 22
                selector.unregister(key.fileobj)


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = AUTHORITY.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def latency(bus):
    begin = time.monotonic()
    bus.send('{"request":"system.getAllowedServices","parameters":[],"referenceId":"1"}')
    bus.recv(PATIENCE)
    return time.monotonic() - begin


# At the start


def start(*options):
    """What a broker that does not start says."""
    done = subprocess.run([BINARY, "serve", "--journal", "memory", "--port", "0", "--tls-port", "0", *map(str, options)], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode != 0
    assert done.stdout == ""
    return done.returncode, done.stderr.strip()


def certificate(name, *hosts, **options):
    return AUTHORITY.issue(f"bad-{name}", *hosts, **options)


def bad_files():
    other_chain, other_key = certificate("other")
    expired, expired_key = certificate("expired", not_before=NOW - 3 * DAY, not_after=NOW - DAY)
    future, future_key = certificate("future", not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    empty = FOLDER / "empty.pem"
    empty.write_text("")
    empty.chmod(0o600)
    garbage = FOLDER / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    encrypted = FOLDER / "encrypted.key"
    subprocess.run(["openssl", "pkcs8", "-topk8", "-in", KEY, "-out", encrypted, "-passout", "pass:sesame"], check=True)
    wrong_passphrase = FOLDER / "wrong-passphrase"
    wrong_passphrase.write_text("open\n")
    wrong_passphrase.chmod(0o600)
    stale = ocsp_response(FOLDER / "stale.der", days=-1)
    files = ["--tls-certificate", CHAIN, "--tls-key", KEY]
    missing = FOLDER / "missing.pem"
    return {
        "no certificate file": (["--tls-certificate", missing, "--tls-key", KEY], missing, "No such file or directory"),
        "no key file": (["--tls-certificate", CHAIN, "--tls-key", missing], missing, "No such file or directory"),
        "a folder": (["--tls-certificate", FOLDER, "--tls-key", KEY], FOLDER, "is a directory|cannot be read|no certificate"),
        "an empty certificate": (["--tls-certificate", empty, "--tls-key", KEY], empty, "there is no certificate in it"),
        "an empty key": (["--tls-certificate", CHAIN, "--tls-key", empty], empty, "there is no private key in it"),
        "a broken certificate": (["--tls-certificate", garbage, "--tls-key", KEY], garbage, "certificate 1 of it cannot be read"),
        "another key": (["--tls-certificate", CHAIN, "--tls-key", other_key], other_key, "does not belong to the certificate in"),
        "expired": (["--tls-certificate", expired, "--tls-key", expired_key], expired, "expired on"),
        "not yet valid": (["--tls-certificate", future, "--tls-key", future_key], future, "is not valid before"),
        "encrypted": (["--tls-certificate", CHAIN, "--tls-key", encrypted], encrypted, "is encrypted and needs a passphrase"),
        "wrong passphrase": (["--tls-certificate", CHAIN, "--tls-key", encrypted, "--tls-key-passphrase-file", wrong_passphrase], encrypted, "the passphrase does not open it"),
        "no passphrase file": (["--tls-certificate", CHAIN, "--tls-key", encrypted, "--tls-key-passphrase-file", missing], missing, "No such file or directory"),
        "no client authorities": ([*files, "--tls-client-ca", missing], missing, "No such file or directory"),
        "empty client authorities": ([*files, "--tls-client-ca", empty], empty, "there is no certificate in it"),
        "no OCSP response": ([*files, "--tls-ocsp-staple", CHAIN], CHAIN, "is not an OCSP response"),
        "an old OCSP response": ([*files, "--tls-ocsp-staple", stale], stale, "is out of date"),
        "ciphers": ([*files, "--tls-ciphers", "nonsense"], "ciphers nonsense", "no cipher match"),
        "groups": ([*files, "--tls-groups", "nonsense"], "groups nonsense", ""),
    }


BAD_FILES = bad_files()


@pytest.mark.parametrize("name", BAD_FILES)
def test_the_start_stops_with_the_name_of_the_file_and_the_reason(name):
    options, file, reason = BAD_FILES[name]
    status, said = start(*options)
    assert status == 1
    assert said.startswith(f"Error: {file}: "), said
    assert re.search(reason, said, re.IGNORECASE), said
    assert len(said.splitlines()) == 1, said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_key_is_named():
    unreadable = FOLDER / "unreadable.key"
    unreadable.write_bytes(KEY.read_bytes())
    unreadable.chmod(0)
    assert "Permission denied" in start("--tls-certificate", CHAIN, "--tls-key", unreadable)[1]


def test_an_encrypted_key_is_opened_with_its_passphrase():
    BAD_FILES["encrypted"]  # makes the key
    passphrase = FOLDER / "passphrase"
    passphrase.write_text("sesame\n")
    passphrase.chmod(0o600)
    options = serve_options(key=FOLDER / "encrypted.key")
    broker = BrokerProcess("--tls-key-passphrase-file", passphrase, listen=options)
    try:
        tls_connection(broker).close()
    finally:
        broker.stop()


@pytest.mark.parametrize(
    "options, text",
    [
        ([], "--tls-port needs --tls-certificate and --tls-key"),
        (["--tls-certificate", "a"], "expected one key for each"),
        (["--tls-certificate", "a", "--tls-key", "b", "--tls-port", "70000"], "--tls-port is 70000, expected 0 to 65535"),
        (["--tls-certificate", "a", "--tls-key", "b", "--tls-handshake-timeout", "0"], "--tls-handshake-timeout is 0"),
        (["--tls-certificate", "a", "--tls-key", "b", "--tls-minimum-version", "1.1"], "--tls-minimum-version"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, text):
    status, said = start(*options)
    assert status == 64
    assert text in said, said


def test_tls_options_without_a_tls_port_are_refused():
    done = subprocess.run([BINARY, "serve", "--tls-certificate", "a", "--tls-key", "b"], capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, "--tls-certificate needs --tls-port" in done.stderr) == (64, True), done


def test_a_port_that_is_in_use_is_named():
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        _, said = start("--tls-certificate", CHAIN, "--tls-key", KEY, "--tls-port", port)
    assert said.splitlines()[-1].startswith(f"Error: cannot listen on 127.0.0.1:{port}: Address already in use (another process listens there")


def test_plain_and_tls_are_served_side_by_side():
    broker = BrokerProcess("--tls-port", "0", "--tls-certificate", CHAIN, "--tls-key", KEY, listen=["--port", "0"])
    try:
        urls = re.findall(r"wss?://127\.0\.0\.1:\d+/v2", broker.first_line)
        assert [url.partition(":")[0] for url in urls] == ["ws", "wss"]
        with websockets.sync.client.connect(urls[0], proxy=None) as plain:
            with websockets.sync.client.connect(urls[1], ssl=AUTHORITY.context(), proxy=None) as secure:
                for bus in [plain, secure]:
                    bus.send('{"event":"subscribe","data":["messenger:lunch"],"referenceId":"0"}')
                    bus.recv(PATIENCE)
                plain.send('{"event":"publish","data":{"event":"messenger:lunch","data":"soup"},"referenceId":"1"}')
                assert '"soup"' in secure.recv(PATIENCE)
    finally:
        broker.stop()
