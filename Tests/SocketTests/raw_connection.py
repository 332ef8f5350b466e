"""A connection by plain sockets, for what no client library would send."""

import os
import select
import socket
import ssl
import struct
import threading

from broker_process import PATIENCE
from over_tls import OVER_TLS, end_output, wrapped

# RFC 6455 §1.3: this key and the answer to it.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA


def frame(opcode, payload=b"", fin=True, masked=True, reserved=0):
    """One frame (RFC 6455 §5.2)."""
    if isinstance(payload, str):
        payload = payload.encode()
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head = struct.pack("!BB", first, mask_bit | len(payload))
    elif len(payload) < 1 << 16:
        head = struct.pack("!BBH", first, mask_bit | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, len(payload))
    if not masked:
        return head + payload
    key = os.urandom(4)
    keys = (key * (len(payload) // 4 + 1))[: len(payload)]
    return head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(keys, "big")).to_bytes(len(payload), "big")


def opening_handshake(port, target="/v2", method="GET", without=(), **headers):
    """A good opening handshake but for what is said: headers by their names with _ for -, those of `without` left out."""
    lines = {
        "Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    kept = [f"{name}: {value}\r\n" for name, value in lines.items() if name not in without]
    return f"{method} {target} HTTP/1.1\r\n{''.join(kept)}\r\n".encode()


class RawConnection:
    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket = wrapped(self.socket)
        self.port = port
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def fill(self):
        """More bytes into the buffer; false at the end of the connection."""
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def share(self):
        """From now on one thread may send while another one receives."""
        if OVER_TLS:
            self.socket = SharedTLSSocket(self.socket)
        return self

    def receive_head(self):
        """The status and the headers (names in lower case) of an HTTP answer."""
        while b"\r\n\r\n" not in self.buffer:
            assert self.fill(), f"the connection ended within the head: {self.buffer!r}"
        lines = self.take(self.buffer.index(b"\r\n\r\n") + 4).decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in headers.items()}

    def receive_answer(self):
        """The status, the headers and the body of an HTTP answer with a Content-Length."""
        status, headers = self.receive_head()
        length = int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            assert self.fill(), "the connection ended within the body"
        return status, headers, self.take(length).decode()

    def open(self, workspace):
        """Makes it a WebSocket connection."""
        self.send(opening_handshake(self.port, f"/v2?workspace={workspace}"))
        status, headers = self.receive_head()
        assert status == 101, status
        assert headers["sec-websocket-accept"] == ACCEPT
        return self

    def send_frame(self, opcode, payload=b"", **options):
        self.send(frame(opcode, payload, **options))

    def send_text(self, text):
        self.send_frame(TEXT, text)

    def need(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                return False
        return True

    def receive_frame(self):
        """The opcode and the payload of the next frame; None at the end of the connection."""
        if not self.need(2):
            assert not self.buffer, "the connection ended within a frame"
            return None
        first, second = self.buffer[0], self.buffer[1]
        assert first & 0x80 and not first & 0x70 and not second & 0x80, f"a frame that a server may not send: {self.buffer[:2]!r}"
        size = {126: 2, 127: 8}.get(second, 0)
        assert self.need(2 + size)
        length = int.from_bytes(self.buffer[2 : 2 + size], "big") if size else second
        assert self.need(2 + size + length), "the connection ended within a frame"
        return first & 0x0F, self.take(2 + size + length)[2 + size :]

    def receive_text(self):
        opcode, payload = self.receive_frame()
        assert opcode == TEXT, (opcode, payload)
        return payload.decode()

    def receive_close(self):
        """The code and the reason of the close frame, and the texts before it."""
        texts = []
        while received := self.receive_frame():
            opcode, payload = received
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big"), payload[2:].decode(), texts
            texts.append(payload.decode())
        raise AssertionError(f"the connection ended without a close frame, after {len(texts)} messages")

    def receive_end(self):
        """Reads to the end of the connection. Fails if it does not come."""
        try:
            while self.fill():
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        return self.buffer

    def finish(self):
        """Sends nothing more."""
        try:
            end_output(self.socket)
        except OSError:
            pass

    def reset(self):
        """Ends it with a TCP RST, without any closing handshake."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class SharedTLSSocket:
    """Python's TLS sockets are not for two threads at once: each call is made alone, and none blocks meanwhile."""

    def __init__(self, connection):
        connection.settimeout(0)
        self.connection, self.lock = connection, threading.Lock()

    def attempt(self, call, readiness):
        while True:
            with self.lock:
                try:
                    return call()
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    pass
            poller = select.poll()
            poller.register(self.connection, readiness)
            if not poller.poll(PATIENCE * 1000):
                raise TimeoutError

    def sendall(self, data):
        rest = memoryview(data)
        while rest:
            rest = rest[self.attempt(lambda: self.connection.send(rest), select.POLLOUT) :]

    def recv(self, count):
        return self.attempt(lambda: self.connection.recv(count), select.POLLIN)

    def close(self):
        self.connection.close()
