"""Other people's WebSocket implementations as clients of an echo server, with all that they can do."""

import asyncio
import struct

import aiohttp
import websocket
import websockets.asyncio.client
from broker_process import PATIENCE
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Message, Ping, Pong, Request, TextMessage
from wsproto.extensions import PerMessageDeflate


class PeerClosed(Exception):
    """The server began to close."""

    def __init__(self, code, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class WebsocketsPeer:
    """The library `websockets`."""

    fragments = True

    @classmethod
    async def connect(cls, url, **deflate):
        peer = cls()
        extensions = [ClientPerMessageDeflateFactory(**deflate)] if deflate else None
        peer.connection = await websockets.asyncio.client.connect(
            url, compression=None, extensions=extensions, max_size=None, ping_interval=None, proxy=None, open_timeout=PATIENCE, close_timeout=PATIENCE
        )
        return peer

    @property
    def agreed(self):
        """What was agreed on: the window bits and whether there is a context, of the server and of the client; None without it."""
        for extension in self.connection.protocol.extensions:
            return (
                extension.remote_max_window_bits, not extension.remote_no_context_takeover,
                extension.local_max_window_bits, not extension.local_no_context_takeover,
            )
        return None

    async def send(self, message):
        await self.connection.send(message)

    async def send_fragments(self, parts):
        async def with_pings():
            for part in parts:
                yield part
                await self.connection.ping()

        await self.connection.send(with_pings())

    async def receive(self):
        try:
            return await asyncio.wait_for(self.connection.recv(), PATIENCE)
        except ConnectionClosed as end:
            raise PeerClosed(end.rcvd.code if end.rcvd else 1006, end.rcvd.reason if end.rcvd else "") from None

    async def ping(self, payload):
        await asyncio.wait_for(await self.connection.ping(payload), PATIENCE)  # fulfilled by a pong with the same payload

    async def close(self, code, reason):
        await self.connection.close(code, reason)
        return self.connection.close_code


class AiohttpPeer:
    """The library `aiohttp`, which sends no fragments, and shows no pong without giving up the answering of pings."""

    fragments = False

    @classmethod
    async def connect(cls, url, compress=0):
        peer = cls()
        peer.session = aiohttp.ClientSession()
        try:
            peer.connection = await peer.session.ws_connect(
                url, compress=compress, max_msg_size=0, autoclose=True, timeout=aiohttp.ClientWSTimeout(ws_close=PATIENCE)
            )
        except BaseException:
            await peer.session.close()
            raise
        return peer

    @property
    def agreed(self):
        return self.connection.compress or None

    async def send(self, message):
        await (self.connection.send_str(message) if isinstance(message, str) else self.connection.send_bytes(message))

    async def receive(self):
        message = await self.connection.receive(timeout=PATIENCE)
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            return message.data
        assert message.type == aiohttp.WSMsgType.CLOSE, message
        await self.session.close()
        raise PeerClosed(message.data, message.extra)

    async def ping(self, payload):
        await self.connection.ping(payload)

    async def close(self, code, reason):
        try:
            await self.connection.close(code=code, message=reason.encode())
            return self.connection.close_code
        finally:
            await self.session.close()


class WsprotoPeer:
    """The state machine `wsproto`, driven by hand over a stream."""

    fragments = True

    @classmethod
    async def connect(cls, url, **deflate):
        peer = cls()
        address, _, path = url.removeprefix("ws://").partition("/")
        host, port = address.split(":")
        peer.reader, peer.writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        peer.machine = WSConnection(ConnectionType.CLIENT)
        peer.extension = PerMessageDeflate(**deflate) if deflate else None
        peer.bytes_received = 0
        peer.events = []
        peer.parts = []
        extensions = [peer.extension] if peer.extension else []
        peer.writer.write(peer.machine.send(Request(host=address, target=f"/{path}", extensions=extensions)))
        event = await peer.next_event()
        assert isinstance(event, AcceptConnection), event
        return peer

    @property
    def agreed(self):
        extension = self.extension
        if not extension or not extension.enabled():
            return None
        return (
            extension.server_max_window_bits, not extension.server_no_context_takeover,
            extension.client_max_window_bits, not extension.client_no_context_takeover,
        )

    async def next_event(self):
        while not self.events:
            data = await asyncio.wait_for(self.reader.read(1 << 20), PATIENCE)
            self.bytes_received += len(data)
            if self.machine.state != ConnectionState.CLOSED:
                self.machine.receive_data(data or None)
                self.events += self.machine.events()
        return self.events.pop(0)

    async def write(self, *events):
        self.writer.write(b"".join(self.machine.send(event) for event in events))
        await self.writer.drain()

    async def send(self, message):
        await self.write(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    async def send_fragments(self, parts):
        kind = TextMessage if isinstance(parts[0], str) else BytesMessage
        for index, part in enumerate(parts):
            await self.write(kind(part, message_finished=index == len(parts) - 1), Ping(b"%d" % index))

    async def receive(self):
        while True:
            event = await self.next_event()
            if isinstance(event, Message):
                self.parts.append(event.data)
                if event.message_finished:
                    parts, self.parts = self.parts, []
                    return parts[0][:0].join(parts)
            elif isinstance(event, CloseConnection):
                code = event.code
                if self.machine.state == ConnectionState.REMOTE_CLOSING:
                    await self.write(event.response())
                self.writer.close()
                raise PeerClosed(code, event.reason or "")
            else:
                assert isinstance(event, Pong), event

    async def ping(self, payload):
        await self.write(Ping(payload))
        event = await self.next_event()
        assert event == Pong(bytearray(payload)) or (isinstance(event, Pong) and bytes(event.payload) == payload), event

    async def close(self, code, reason):
        await self.write(CloseConnection(code, reason))
        while not isinstance(event := await self.next_event(), CloseConnection):
            assert isinstance(event, Pong), event
        assert await self.reader.read() == b"", "something came behind the close frame"
        self.writer.close()
        return event.code


class WebsocketClientPeer:
    """The library `websocket-client`, which does not compress, and is no friend of asyncio."""

    fragments = True

    @classmethod
    async def connect(cls, url):
        peer = cls()
        peer.connection = await asyncio.to_thread(websocket.create_connection, url, timeout=PATIENCE)
        return peer

    agreed = None

    async def send(self, message):
        await asyncio.to_thread(self.connection.send, message, websocket.ABNF.OPCODE_TEXT if isinstance(message, str) else websocket.ABNF.OPCODE_BINARY)

    async def send_fragments(self, parts):
        opcode = websocket.ABNF.OPCODE_TEXT if isinstance(parts[0], str) else websocket.ABNF.OPCODE_BINARY
        for index, part in enumerate(parts):
            data = part.encode() if isinstance(part, str) else part
            frame = websocket.ABNF.create_frame(data, websocket.ABNF.OPCODE_CONT if index else opcode, int(index == len(parts) - 1))
            await asyncio.to_thread(self.connection.send_frame, frame)
            await asyncio.to_thread(self.connection.ping, b"%d" % index)

    async def receive(self):
        opcode, data = await asyncio.to_thread(self.connection.recv_data)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            await asyncio.to_thread(self.connection.shutdown)
            raise PeerClosed(struct.unpack("!H", data[:2])[0], data[2:].decode())
        return data.decode() if opcode == websocket.ABNF.OPCODE_TEXT else data

    async def ping(self, payload):
        await asyncio.to_thread(self.connection.ping, payload)
        opcode, data = await asyncio.to_thread(self.connection.recv_data, True)
        assert (opcode, data) == (websocket.ABNF.OPCODE_PONG, payload)

    async def close(self, code, reason):
        await asyncio.to_thread(self.connection.close, code, reason, PATIENCE)
        frame = self.connection.close_frame
        return struct.unpack("!H", frame.data[:2])[0] if frame else 1006


PEERS = {"websockets": WebsocketsPeer, "aiohttp": AiohttpPeer, "wsproto": WsprotoPeer, "websocket-client": WebsocketClientPeer}
