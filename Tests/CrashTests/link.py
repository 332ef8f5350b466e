"""A WebSocket client in asyncio that costs little: text in, text out, every message whole, no queues.

What it hands on is exactly what arrived before the connection ended, which is what the checker needs to know.
"""

import asyncio

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
# RFC 6455 §5.1 asks for a mask, not for a good one. With zeros nothing needs to be masked.
MASK = bytes(4)
HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class NotOpened(Exception):
    """The connection could not be opened; the text says why."""


class Link(asyncio.Protocol):
    """Open it with `await Link.open(…)`. `receive(text: bytes)` is called for each message."""

    def __init__(self, path, receive):
        self.receive = receive
        self.path = path
        self.buffer = bytearray()
        self.opened = asyncio.get_running_loop().create_future()
        self.ended = asyncio.get_running_loop().create_future()
        self.close_code = None
        self.transport = None

    @classmethod
    async def open(cls, port, path, receive, seconds=15):
        loop = asyncio.get_running_loop()
        link = cls(path, receive)
        try:
            async with asyncio.timeout(seconds):
                await loop.create_connection(lambda: link, "127.0.0.1", port)
                await link.opened
        except (OSError, TimeoutError) as error:
            link.abort()
            raise NotOpened(str(error) or type(error).__name__) from None
        return link

    @property
    def is_open(self):
        return self.opened.done() and not self.ended.done()

    def send(self, text):
        """Sends a text message; does nothing if the connection is over."""
        self.send_frame(TEXT, text if isinstance(text, bytes) else text.encode())

    def send_frame(self, opcode, payload):
        if self.transport.is_closing():
            return
        count = len(payload)
        if count < 126:
            head = bytes((0x80 | opcode, 0x80 | count))
        elif count < 1 << 16:
            head = bytes((0x80 | opcode, 0x80 | 126)) + count.to_bytes(2, "big")
        else:
            head = bytes((0x80 | opcode, 0x80 | 127)) + count.to_bytes(8, "big")
        self.transport.write(head + MASK + payload)

    def abort(self):
        """Ends it at once. What was received but not handed on is lost, as with a process that is killed."""
        if self.transport:
            self.transport.abort()

    async def close(self):
        """Ends it as RFC 6455 §7 says."""
        if self.is_open:
            self.send_frame(CLOSE, (1000).to_bytes(2, "big"))
            await asyncio.wait([self.ended], timeout=5)
        self.abort()

    # ---- asyncio.Protocol ----

    def connection_made(self, transport):
        self.transport = transport
        transport.write(HEAD.format(path=self.path).encode())

    def data_received(self, data):
        self.buffer += data
        if not self.opened.done() and not self.upgraded():
            return
        self.parse()

    def connection_lost(self, error):
        if not self.opened.done():
            self.opened.set_exception(NotOpened(f"ended within the handshake: {error}"))
            self.opened.exception()
        if not self.ended.done():
            self.ended.set_result(error)

    # ---- Reading ----

    def upgraded(self):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self.buffer[:end])
        del self.buffer[: end + 4]
        if head.startswith(b"HTTP/1.1 101"):
            self.opened.set_result(None)
            return True
        self.opened.set_exception(NotOpened(head.split(b"\r\n")[0].decode()))
        self.opened.exception()
        self.transport.abort()
        return False

    def parse(self):
        buffer, at, end = self.buffer, 0, len(self.buffer)
        while end - at >= 2 and not self.transport.is_closing():
            count, start = buffer[at + 1], at + 2
            if count >= 126:
                size = 2 if count == 126 else 8
                if end - start < size:
                    break
                count, start = int.from_bytes(buffer[start : start + size], "big"), start + size
            if end - start < count:
                break
            first = buffer[at]
            assert first & 0xF0 == 0x80, f"a fragment or a reserved bit, which nobody asked for: {first:#x}"
            payload = bytes(buffer[start : start + count])
            at = start + count
            self.frame_received(first & 0x0F, payload)
        del self.buffer[:at]

    def frame_received(self, opcode, payload):
        if opcode == TEXT:
            self.receive(payload)
        elif opcode == PING:
            self.send_frame(PONG, payload)
        elif opcode == CLOSE:
            self.close_code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
            self.send_frame(CLOSE, payload[:2])
            self.transport.close()
