"""Whether the tests go over TLS (CASEBUS_TEST_TLS=1), and what they need for that."""

import atexit
import os
import shutil
import socket
import ssl
import tempfile
from pathlib import Path

import trustme

# The brokers that the tests start then speak TLS only, and all clients with them.
OVER_TLS = os.environ.get("CASEBUS_TEST_TLS") == "1"

FOLDER = Path(tempfile.mkdtemp(prefix="casebus-tls-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


class Authority:
    """Makes certificates, as files."""

    def __init__(self, name="authority"):
        self.ca = trustme.CA(organization_name=f"Casebus tests, {name}")
        self.file = FOLDER / f"{name}.pem"
        self.ca.cert_pem.write_to_path(self.file)

    def issue(self, name, *hosts, **options):
        """The files with the chain and with the key."""
        issued = self.ca.issue_cert(*(hosts or ("localhost", "127.0.0.1", "::1")), **options)
        chain, key = FOLDER / f"{name}.pem", FOLDER / f"{name}.key"
        chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        return chain, key

    def context(self, **options):
        """For clients that trust this authority."""
        return ssl.create_default_context(cafile=self.file, **options)


AUTHORITY = Authority()
CHAIN, KEY = AUTHORITY.issue("server")
CONTEXT = AUTHORITY.context()
# Instead of --port.
SERVER_OPTIONS = ["--no-plain", "--tls-certificate", str(CHAIN), "--tls-key", str(KEY), "--tls-port"]


def wrapped(connection):
    """A connected socket, over TLS if the tests go over TLS."""
    return CONTEXT.wrap_socket(connection, server_hostname="127.0.0.1") if OVER_TLS else connection


def context_for(url):
    """What client libraries call `ssl`."""
    return CONTEXT if url.startswith(("wss:", "https:")) else None


def end_output(connection):
    """A TCP FIN, without a close_notify."""
    socket.socket.shutdown(connection, socket.SHUT_WR)


def serve_options(chain=CHAIN, key=KEY):
    """For a broker that speaks TLS whatever the other tests do."""
    return ["--no-plain", "--tls-port", "0", "--tls-certificate", str(chain), "--tls-key", str(key)]
