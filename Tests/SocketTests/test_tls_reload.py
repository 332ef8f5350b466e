"""Certificates that are replaced while the broker runs."""

import shutil
import signal
import socket
import ssl
import time

import pytest
import websockets.sync.client
from broker_process import PATIENCE, BrokerProcess
from over_tls import AUTHORITY, Authority, serve_options


@pytest.fixture
def files(tmp_path):
    """The files of a broker's certificate: a first, and how to replace them."""

    class Files:
        chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"

        def replace(self, name, authority=AUTHORITY):
            chain, key = authority.issue(name, common_name=name)
            shutil.copy(chain, self.chain)
            shutil.copy(key, self.key)

    files = Files()
    files.replace("first")
    return files


@pytest.fixture
def broker(files):
    broker = BrokerProcess(listen=serve_options(files.chain, files.key))
    yield broker
    broker.stop()


def name_of(broker, session=None, context=None):
    """The common name in the certificate of a new connection."""
    with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
        with (context or AUTHORITY.context()).wrap_socket(plain, server_hostname="localhost", session=session) as connection:
            return dict(part for parts in connection.getpeercert()["subject"] for part in parts)["commonName"]


def wait_for(condition, what):
    deadline = time.monotonic() + 2 * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def says(broker, bus):
    bus.send('{"request":"system.getAllowedServices","parameters":[],"referenceId":"1"}')
    return '"referenceId":"1"' in bus.recv(PATIENCE)


def test_sighup_gives_new_connections_the_new_certificate_and_leaves_the_old_ones_alone(broker, files):
    with websockets.sync.client.connect(broker.url, ssl=AUTHORITY.context(), proxy=None) as bus:
        assert name_of(broker) == "first"
        files.replace("second")
        broker.signal(signal.SIGHUP)
        wait_for(lambda: name_of(broker) == "second", "the new certificate")
        assert says(broker, bus)
    assert "TLS certificates reloaded" in broker.error_text()
    assert "CN=second" in broker.error_text()


def test_changed_files_are_noticed(broker, files):
    files.replace("second")
    wait_for(lambda: name_of(broker) == "second", "the new certificate")


def test_broken_files_leave_the_old_certificate_in_use(broker, files):
    for text in ["", "nonsense"]:
        files.chain.write_text(text)
        before = broker.error_text().count("not reloaded")
        broker.signal(signal.SIGHUP)
        wait_for(lambda: broker.error_text().count("not reloaded") > before, "the log line")
        assert name_of(broker) == "first"
    assert f"{files.chain}: there is no certificate in it (PEM)" in broker.error_text()
    files.chain.unlink()
    broker.signal(signal.SIGHUP)
    wait_for(lambda: "No such file or directory" in broker.error_text(), "the log line")
    assert name_of(broker) == "first"
    files.replace("second")
    broker.signal(signal.SIGHUP)
    wait_for(lambda: name_of(broker) == "second", "the new certificate")


def test_a_key_that_comes_later_than_its_certificate_is_waited_for(broker, files):
    chain, key = AUTHORITY.issue("late", common_name="late")
    shutil.copy(chain, files.chain)
    time.sleep(0.5)
    shutil.copy(key, files.key)
    wait_for(lambda: name_of(broker) == "late", "the new certificate")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_across_a_reload(broker, files, version):
    context = AUTHORITY.context()
    context.minimum_version = context.maximum_version = version
    session = None
    for round in range(2):
        with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                assert connection.session_reused == (round == 1)
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert b"200 OK" in connection.recv(1000)
                session = connection.session
        files.replace("second")
        broker.signal(signal.SIGHUP)
        wait_for(lambda: name_of(broker) == "second", "the new certificate")


def test_after_other_client_authorities_no_old_session_is_resumed(files, tmp_path):
    """Or one that a removed authority let in would stay welcome."""
    clients, others = Authority("clients-before"), Authority("clients-after")
    authorities = tmp_path / "authorities.pem"
    shutil.copy(clients.file, authorities)
    broker = BrokerProcess("--tls-client-ca", authorities, listen=serve_options(files.chain, files.key))
    try:
        context = AUTHORITY.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*clients.issue("client-before"))
        with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                session = connection.session
        shutil.copy(others.file, authorities)
        broker.signal(signal.SIGHUP)
        wait_for(lambda: "TLS certificates reloaded" in broker.error_text(), "the log line")
        with pytest.raises(ssl.SSLError, match="(?i)unknown.ca"):
            name_of(broker, session, context)
    finally:
        broker.stop()


def test_a_signal_right_after_the_start_is_not_lost():
    for _ in range(10):
        broker = BrokerProcess(listen=serve_options())
        try:
            broker.signal(signal.SIGHUP)
            wait_for(lambda: "TLS certificates reloaded" in broker.error_text(), "the log line")
        finally:
            broker.stop()
