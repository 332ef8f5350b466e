"""TLS with other people's clients: openssl s_client, curl, Python's ssl, node, Chromium."""

import datetime
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest
import websockets.exceptions
import websockets.sync.client
from broker_process import PATIENCE, BrokerProcess, read_line
from over_tls import AUTHORITY, CHAIN, FOLDER, KEY, Authority, serve_options

VERSIONS = ["1.2", "1.3"]
SUBSCRIBE = json.dumps({"event": "subscribe", "data": ["interaction"], "referenceId": "0"})


@pytest.fixture(scope="module")
def broker():
    broker = BrokerProcess("--log-level", "info", listen=serve_options())
    yield broker
    broker.stop()


def s_client(broker, *options, text=""):
    """What openssl s_client says, and what it exits with."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{broker.port}", "-CAfile", AUTHORITY.file, "-verify_return_error", *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


def context_of(version, authority=AUTHORITY):
    context = authority.context()
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, f"TLSv{version.replace('.', '_')}")
    return context


def get(broker, context, path="health"):
    return urllib.request.urlopen(f"https://127.0.0.1:{broker.port}/{path}", context=context, timeout=PATIENCE)


# openssl s_client


@pytest.mark.parametrize("version", VERSIONS)
def test_s_client_connects_with_each_version(broker, version):
    status, said = s_client(broker, f"-tls{version.replace('.', '_')}", "-alpn", "http/1.1")
    assert status == 0, said
    assert f"New, TLSv{version}, Cipher is " in said
    assert "Verify return code: 0 (ok)" in said
    assert "ALPN protocol: http/1.1" in said
    if version == "1.2":
        assert "Secure Renegotiation IS supported" in said
        assert "Compression: NONE" in said


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_s_client_is_refused_with_an_old_version(broker, version):
    status, said = s_client(broker, version, "-cipher", "ALL:@SECLEVEL=0")
    assert status != 0
    assert "alert protocol version" in said, said


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "NULL", "AECDH-NULL-SHA"])
def test_s_client_is_refused_with_a_weak_suite(broker, cipher):
    status, said = s_client(broker, "-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
    assert status != 0
    assert "alert handshake failure" in said, said


@pytest.mark.parametrize("version", VERSIONS)
def test_s_client_resumes_its_session(broker, version, tmp_path):
    session = tmp_path / "session"
    option = f"-tls{version.replace('.', '_')}"
    # Asks for something, because TLS 1.3 gives tickets after the handshake.
    request = "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    status, said = s_client(broker, option, "-sess_out", session, "-ign_eof", text=request)
    assert "HTTP/1.1 200 OK" in said, said
    status, said = s_client(broker, option, "-sess_in", session, "-ign_eof", text=request)
    assert f"Reused, TLSv{version}" in said, said
    assert "HTTP/1.1 200 OK" in said


def test_s_client_may_not_renegotiate(broker):
    status, said = s_client(broker, "-tls1_2", text="R\n")
    assert "no renegotiation" in said, said


def test_a_ticket_of_another_broker_only_costs_a_full_handshake(broker, tmp_path):
    session = tmp_path / "session"
    s_client(broker, "-tls1_2", "-sess_out", session)
    other = BrokerProcess(listen=serve_options())
    try:
        status, said = s_client(other, "-tls1_2", "-sess_in", session)
        assert (status, "New, TLSv1.2" in said) == (0, True), said
    finally:
        other.stop()
    assert "Reused, TLSv1.2" in s_client(broker, "-tls1_2", "-sess_in", session)[1]


# Client certificates


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["required", "optional"])
def test_the_subject_of_a_client_certificate_is_the_identity_of_the_session(version, mode):
    clients = Authority(f"clients-{mode}-{version}")
    chain, key = clients.issue(f"bot-{mode}-{version}", common_name="bot-7", organization_name="Acme, Inc.")
    broker = BrokerProcess("--log-level", "info", "--tls-client-ca", clients.file, "--tls-client-certificates", mode, listen=serve_options())
    try:
        context = context_of(version)
        context.load_cert_chain(chain, key)
        with websockets.sync.client.connect(broker.url, ssl=context, proxy=None) as bus:
            bus.send(SUBSCRIBE)
            assert "subscriptionId" in bus.recv(PATIENCE)
    finally:
        broker.stop()
    opened = [line for line in broker.error_text().splitlines() if "session opened" in line]
    assert len(opened) == 1
    assert 'identity="CN=bot-7,OU=' in opened[0] and "O=Acme\\\\, Inc." in opened[0], opened


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["required", "optional"])
def test_clients_without_a_certificate_are_refused_only_if_one_is_required(version, mode):
    broker = BrokerProcess("--log-level", "info", "--tls-client-ca", AUTHORITY.file, "--tls-client-certificates", mode, listen=serve_options())
    try:
        if mode == "optional":
            assert get(broker, context_of(version)).status == 200
        else:
            with pytest.raises(OSError, match="(?i)certificate.required|handshake.failure"):
                get(broker, context_of(version))
    finally:
        broker.stop()
    assert ("TLS handshake failed" in broker.error_text()) == (mode == "required")


@pytest.mark.parametrize("mode", ["required", "optional"])
def test_a_client_certificate_of_an_unknown_authority_is_refused(mode):
    chain, key = Authority(f"strangers-{mode}").issue(f"stranger-{mode}")
    broker = BrokerProcess("--log-level", "info", "--tls-client-ca", AUTHORITY.file, "--tls-client-certificates", mode, listen=serve_options())
    try:
        context = context_of("1.2")
        context.load_cert_chain(chain, key)
        with pytest.raises(OSError, match="(?i)unknown.ca"):
            get(broker, context)
    finally:
        broker.stop()
    assert "from an authority that is not trusted" in broker.error_text()


def test_a_session_begun_with_a_certificate_is_resumed_with_its_identity(broker):
    clients = Authority("resuming-clients")
    chain, key = clients.issue("resuming", common_name="bot-8")
    broker = BrokerProcess("--log-level", "info", "--tls-client-ca", clients.file, listen=serve_options())
    try:
        context = context_of("1.2")
        context.load_cert_chain(chain, key)
        session = None
        for is_resumed in [False, True]:
            with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
                with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                    assert connection.session_reused == is_resumed
                    session = connection.session
                    open_session(connection)
    finally:
        broker.stop()
    assert broker.error_text().count('identity="CN=bot-8') == 2


def test_a_session_is_not_resumed_with_a_certificate_that_has_expired():
    clients = Authority("expiring-clients")
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
    chain, key = clients.issue("expiring", not_before=until - datetime.timedelta(days=1), not_after=until)
    broker = BrokerProcess("--log-level", "info", "--tls-client-ca", clients.file, listen=serve_options())
    try:
        context = context_of("1.2")
        context.load_cert_chain(chain, key)
        with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as connection:
                session = connection.session
        time.sleep(4)
        with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
            with pytest.raises(OSError), context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                assert connection.session_reused
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert connection.recv(1000) == b""
                raise OSError("ended")
    finally:
        broker.stop()
    assert "expired on" in broker.error_text()


def open_session(connection):
    connection.sendall(
        b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert connection.recv(1000).startswith(b"HTTP/1.1 101 ")


# curl, Python, node, Chromium


@pytest.mark.parametrize("options", [["--tlsv1.2", "--tls-max", "1.2"], ["--tlsv1.3"], ["--http2"]], ids=["1.2", "1.3", "offers h2"])
def test_curl_gets_every_page(broker, options):
    for path, status in [("", 200), ("health", 200), ("ready", 200), ("v2", 400), ("nothing", 404)]:
        command = ["curl", "-sS", "--noproxy", "*", "--max-time", "15", "--cacert", AUTHORITY.file, *options, "-w", "%{http_code} %{http_version}", "-o", "/dev/null"]
        done = subprocess.run([*command, f"https://localhost:{broker.port}/{path}"], capture_output=True, text=True, timeout=PATIENCE)
        assert done.stdout == f"{status} 1.1", (path, done)


def test_the_page_says_wss(broker):
    assert f"wss://127.0.0.1:{broker.port}/v2" in get(broker, AUTHORITY.context(), "").read().decode()


@pytest.mark.parametrize("version", VERSIONS)
def test_python_resumes_its_session(broker, version):
    context = context_of(version)
    session = None
    for is_resumed in [False, True, True]:
        with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
                assert connection.session_reused == is_resumed
                open_session(connection)
                session = connection.session


@pytest.mark.parametrize("version", VERSIONS)
def test_large_messages_pass_both_ways(version):
    broker = BrokerProcess("--message-bytes-max", "4000000", listen=serve_options())
    try:
        with websockets.sync.client.connect(broker.url, ssl=context_of(version), proxy=None, max_size=None) as bus:
            bus.send(json.dumps({"event": "subscribe", "data": ["messenger:lunch"], "referenceId": "0"}))
            bus.recv(PATIENCE)
            with websockets.sync.client.connect(broker.url, ssl=context_of(version), proxy=None) as other:
                text = os.urandom(1_000_000).hex()
                other.send(json.dumps({"event": "publish", "data": {"event": "messenger:lunch", "data": text}, "referenceId": "1"}))
                assert json.loads(bus.recv(PATIENCE))["data"] == text
    finally:
        broker.stop()


@pytest.mark.skipif(not shutil.which("node"), reason="there is no node")
def test_node_connects(broker):
    program = """
      const https = require("https");
      https.get(process.argv[1], {agent: false}, response => {
        console.log(response.statusCode, response.socket.getProtocol(), response.socket.authorized);
        const bus = new WebSocket(process.argv[2]);
        bus.onopen = () => bus.send(process.argv[3]);
        bus.onmessage = message => { console.log(JSON.parse(message.data).referenceId); bus.close(1000); };
        bus.onclose = end => { console.log(end.code, end.wasClean); process.exit(0); };
        bus.onerror = error => { console.log(error.message); process.exit(1); };
      });
    """
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": str(AUTHORITY.file)}
    command = ["node", "--no-warnings", "--experimental-websocket", "-e", program, f"https://localhost:{broker.port}/health", f"wss://localhost:{broker.port}/v2", SUBSCRIBE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, env=environment)
    if "bad option" in done.stderr:
        pytest.skip("this node has no WebSocket")
    assert done.stdout.split("\n")[:3] == ["200 TLSv1.3 true", "0", "1000 true"], done


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.skipif(not CHROMIUM or not shutil.which("certutil"), reason="there is no Chromium, or no certutil (libnss3-tools)")
@pytest.mark.parametrize("is_trusted", [True, False])
def test_chromium_connects_if_it_trusts_the_demos_certificate(tmp_path, is_trusted):
    os.environ["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    try:
        broker = BrokerProcess("--tls", "--tls-port", "0", command=("demo",))
    finally:
        del os.environ["XDG_CACHE_HOME"]
    try:
        certificate = tmp_path / "cache" / "casebus" / "demo-certificate.pem"
        url = next_url(broker)
        if is_trusted:
            trust(certificate, tmp_path)
        assert page_result(url, tmp_path) == ("0" if is_trusted else "error")
    finally:
        broker.stop()


def next_url(broker):
    """The wss:// address, which the demo tells a few lines later."""
    while not (match := re.search(r"wss://127\.0\.0\.1:\d+/v2", line := read_line(broker.process))):
        assert line
    return match[0].replace("127.0.0.1", "localhost")


def trust(certificate, home):
    """As the demo says."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True)
    for options in [["-N", "--empty-password"], ["-A", "-t", "P,,", "-n", "casebus-demo", "-i", certificate]]:
        subprocess.run(["certutil", "-d", f"sql:{database}", *options], check=True, timeout=PATIENCE)


SCRIPT = """
new Promise(resolve => {
  const bus = new WebSocket("%s");
  bus.onopen = () => bus.send('%s');
  bus.onmessage = message => resolve(JSON.parse(message.data).referenceId);
  bus.onerror = () => resolve("error");
})"""


def page_result(url, home):
    """What the broker's own page in Chromium gets from a WebSocket."""
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={home}/profile", "--remote-debugging-port=0"]
    page = url.replace("wss:", "https:").replace("/v2", "/")
    process = subprocess.Popen([*command, page], stderr=subprocess.PIPE, bufsize=0, env=os.environ | {"HOME": str(home)})
    try:
        while b"DevTools listening" not in (line := process.stderr.readline()):
            assert line, "Chromium has ended"
        debugger = re.search(rb"ws://\S+?(:\d+)/", line)[1].decode()
        return evaluated(f"http://127.0.0.1{debugger}/json", page, SCRIPT % (url, SUBSCRIBE))
    finally:
        process.kill()
        process.wait(PATIENCE)


def evaluated(pages, page, script):
    """What a script gives in a page (https://chromedevtools.github.io/devtools-protocol/tot/Runtime/#method-evaluate)."""
    deadline = time.monotonic() + 2 * PATIENCE
    while True:
        try:
            [target] = [target for target in json.load(urllib.request.urlopen(pages, timeout=PATIENCE)) if target["type"] == "page"]
            with websockets.sync.client.connect(target["webSocketDebuggerUrl"], proxy=None, max_size=None) as chromium:
                if evaluate(chromium, "document.readyState + location.href") in {"complete" + page, "completechrome-error://chromewebdata/"}:
                    return evaluate(chromium, script)
        except (KeyError, ValueError, OSError, websockets.exceptions.WebSocketException) as error:
            # It is still starting, or on its way to the page.
            assert time.monotonic() < deadline, repr(error)
        assert time.monotonic() < deadline, "the page does not come"
        time.sleep(0.1)


def evaluate(chromium, expression):
    command = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    chromium.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": command}))
    return json.loads(chromium.recv(PATIENCE))["result"]["result"]["value"]


# Several certificates


def test_the_certificate_follows_the_name_that_is_asked_for():
    names = {"one": ["one.test", "localhost"], "two": ["two.test", "*.two.test"]}
    files = {name: AUTHORITY.issue(f"sni-{name}", *hosts) for name, hosts in names.items()}
    listen = ["--no-plain", "--tls-port", "0"]
    for chain, key in files.values():
        listen += ["--tls-certificate", chain, "--tls-key", key]
    broker = BrokerProcess(listen=listen)
    try:
        for name in ["one.test", "localhost", "two.test", "a.two.test"]:
            with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
                AUTHORITY.context().wrap_socket(plain, server_hostname=name).close()
        with socket.create_connection(("127.0.0.1", broker.port), PATIENCE) as plain:
            with pytest.raises(ssl.SSLCertVerificationError, match="three.test"):
                AUTHORITY.context().wrap_socket(plain, server_hostname="three.test")
    finally:
        broker.stop()


def test_an_ocsp_response_is_given_to_those_who_ask(tmp_path):
    staple = ocsp_response(tmp_path / "staple.der")
    broker = BrokerProcess("--tls-ocsp-staple", staple, listen=serve_options())
    try:
        status, said = s_client(broker, "-status")
        assert "OCSP Response Status: successful (0x0)" in said, said
        assert "OCSP response: no response sent" not in said
        assert "OCSP Response Data" not in s_client(broker)[1]
    finally:
        broker.stop()


def ocsp_response(file, days=1):
    """Says of the server's certificate that it is good."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509 import ocsp

    certificate = x509.load_pem_x509_certificate(CHAIN.read_bytes())
    issuer = x509.load_pem_x509_certificate(AUTHORITY.file.read_bytes())
    key = serialization.load_pem_private_key(AUTHORITY.ca.private_key_pem.bytes(), None)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate, issuer=issuer, algorithm=hashes.SHA256(), cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=now - datetime.timedelta(days=2), next_update=now + datetime.timedelta(days=days), revocation_time=None, revocation_reason=None,
    )
    response = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, issuer).sign(key, hashes.SHA256())
    file.write_bytes(response.public_bytes(serialization.Encoding.DER))
    return file
