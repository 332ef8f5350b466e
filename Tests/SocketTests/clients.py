"""WebSocket clients that other people wrote, behind one interface, so that a test runs with each of them."""

import asyncio
import json
from collections import deque

import aiohttp
import websockets.asyncio.client
from broker_process import PATIENCE
from over_tls import context_for
from websockets.exceptions import ConnectionClosed

END = '"userAgent":"WWE Server","protocolVersion":2}'


def response_text(reference, data="null"):
    return f'{{"referenceId":"{reference}","data":{data},{END}'


def event_text(name, data):
    """An event as the broker writes it (Protocol §3.4, §3.5). `data` is JSON text, or a value of strings and whole numbers."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f'{{"event":"{name}","data":{text},{END}'


def publication(event, data, reference=None):
    message = {"event": "publish", "data": {"event": event, "data": data}}
    return message if reference is None else message | {"referenceId": reference}


def assertion(state, interaction_id, reference=None, **attributes):
    """A publish that says in which state an interaction is."""
    return publication("interaction", {"eventType": state, "interaction": {"interactionId": interaction_id, **attributes}}, reference)


class Closed(Exception):
    """The other side closed the connection with this code; 1006 if it sent none."""

    def __init__(self, code, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Client:
    """What the tests do with a connection. The libraries' own parts are in the subclasses."""

    def __init__(self):
        self.asked = 0
        self.waiting = deque()

    async def send(self, message):
        """A str as a text message, bytes as a binary message, everything else as JSON."""
        if not isinstance(message, (str, bytes)):
            message = json.dumps(message, ensure_ascii=False)
        await asyncio.wait_for(self.transmit(message), PATIENCE)

    async def receive(self):
        """The text of the next message. Raises Closed, or TimeoutError."""
        if self.waiting:
            return self.waiting.popleft()
        return await asyncio.wait_for(self.take(), PATIENCE)

    async def receive_json(self):
        return json.loads(await self.receive())

    async def ask(self, message):
        """Sends a message with a referenceId of its own and gives the answer. Events that come before it wait for receive()."""
        self.asked += 1
        reference = f"ask-{self.asked}"
        await self.send(message | {"referenceId": reference})
        others = []
        while True:
            text = await self.receive()
            answer = json.loads(text)
            if answer.get("referenceId") == reference:
                self.waiting.extendleft(reversed(others))
                return answer
            others.append(text)

    async def request(self, name, *parameters):
        answer = await self.ask({"request": name, "parameters": list(parameters)})
        assert "errorCode" not in answer, answer
        return answer["data"]

    async def publish(self, event, data):
        answer = await self.ask(publication(event, data))
        assert "errorCode" not in answer, answer

    async def subscribe(self, *names):
        answer = await self.ask({"event": "subscribe", "data": list(names)})
        assert "subscriptionId" in answer, answer
        return answer["subscriptionId"]

    async def until(self, last):
        """All messages up to the one with this text, without it."""
        texts = []
        while (text := await self.receive()) != last:
            texts.append(text)
        return texts

    async def closed(self):
        """How the broker closes the connection, and what it sends before."""
        texts = []
        try:
            while True:
                texts.append(await self.receive())
        except Closed as end:
            return end, texts


class WebsocketsClient(Client):
    @classmethod
    async def connect(cls, url):
        client = cls()
        client.connection = await websockets.asyncio.client.connect(
            url, max_size=None, max_queue=None, ping_interval=None, proxy=None, open_timeout=PATIENCE, close_timeout=PATIENCE,
            ssl=context_for(url),
        )
        return client

    async def transmit(self, message):
        try:
            await self.connection.send(message)
        except ConnectionClosed as end:
            raise self.closed_by(end) from None

    async def transmit_as_text(self, data):
        """A text message of bytes that need not be UTF-8."""
        try:
            await self.connection.send(data, text=True)
        except ConnectionClosed as end:
            raise self.closed_by(end) from None

    async def transmit_fragments(self, parts):
        await self.connection.send(parts)

    async def take(self):
        try:
            text = await self.connection.recv()
        except ConnectionClosed as end:
            raise self.closed_by(end) from None
        assert isinstance(text, str), "the broker sent a binary message"
        return text

    async def close(self):
        """Ends the connection; gives the code with which the broker answered."""
        await self.connection.close()
        return self.connection.close_code

    @staticmethod
    def closed_by(end):
        return Closed(end.rcvd.code, end.rcvd.reason) if end.rcvd else Closed(1006)


class AiohttpClient(Client):
    @classmethod
    async def connect(cls, url):
        client = cls()
        client.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        try:
            client.connection = await client.session.ws_connect(url, max_msg_size=0, timeout=aiohttp.ClientWSTimeout(ws_close=PATIENCE), ssl=context_for(url) or True)
        except BaseException:
            await client.session.close()
            raise
        return client

    async def transmit(self, message):
        try:
            await (self.connection.send_str(message) if isinstance(message, str) else self.connection.send_bytes(message))
        except ConnectionError:
            raise Closed(self.connection.close_code or 1006) from None

    async def take(self):
        message = await self.connection.receive()
        if message.type == aiohttp.WSMsgType.TEXT:
            return message.data
        if message.type == aiohttp.WSMsgType.CLOSE:
            raise Closed(message.data, message.extra)
        assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING}, message
        raise Closed(self.connection.close_code or 1006)

    async def close(self):
        try:
            await self.connection.close()
        finally:
            await self.session.close()
        return self.connection.close_code


LIBRARIES = {"websockets": WebsocketsClient, "aiohttp": AiohttpClient}


class Clients:
    """Opens clients of one broker, and closes them at its end."""

    def __init__(self, broker, library="websockets"):
        self.broker = broker
        self.library = library
        self.opened = []

    async def open(self, workspace, library=None):
        client = await LIBRARIES[library or self.library].connect(self.broker.url_of(workspace))
        self.opened.append(client)
        return client

    async def open_many(self, workspace, count):
        """So many, of all libraries in turn."""
        names = list(LIBRARIES)
        return await asyncio.gather(*(self.open(workspace, names[index % len(names)]) for index in range(count)))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await asyncio.gather(*(client.close() for client in self.opened), return_exceptions=True)
