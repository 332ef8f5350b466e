"""`casebus-devtools echo-client`, our own side as a client, against servers that other people wrote, and against bad ones."""

import asyncio
import base64
import hashlib
import json
import time
from contextlib import asynccontextmanager

import aiohttp.web
import pytest
import websockets.asyncio.server
from broker_process import PATIENCE
from echo_process import run_echo_client
from raw_connection import BINARY, CLOSE, PING, TEXT, frame
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Message, Ping, Pong, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

MEBIBYTE = 1 << 20


@asynccontextmanager
async def websockets_server(ends, **deflate):
    async def echo(connection):
        async for message in connection:
            await connection.send(message)
        ends.append((connection.close_code, connection.close_reason.partition(":")[0]))

    extensions = [ServerPerMessageDeflateFactory(**deflate)] if deflate else None
    async with websockets.asyncio.server.serve(echo, "127.0.0.1", 0, compression=None, extensions=extensions, max_size=None) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/echo?a=b%20c"


@asynccontextmanager
async def aiohttp_server(ends, compress=False):
    async def echo(request):
        connection = aiohttp.web.WebSocketResponse(compress=compress, max_msg_size=0)
        await connection.prepare(request)
        async for message in connection:
            if message.type == aiohttp.WSMsgType.TEXT:
                await connection.send_str(message.data)
            else:
                await connection.send_bytes(message.data)
        ends.append((connection.close_code, None))
        return connection

    application = aiohttp.web.Application()
    application.router.add_get("/a/path", echo)
    runner = aiohttp.web.AppRunner(application)
    await runner.setup()
    site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/a/path"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def socket_server(serve):
    """A server that does with each connection what `serve(reader, writer)` does, then ends it."""
    tasks = set()

    async def handle(reader, writer):
        tasks.add(asyncio.current_task())
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def wsproto_server(ends, pieces=1, pings=False, **deflate):
    """Answers each message in so many pieces, with pings in between."""

    def answers(machine, parts):
        whole = parts[0][:0].join(parts)
        kind = TextMessage if isinstance(whole, str) else BytesMessage
        step = len(whole) // pieces + 1
        for index in range(pieces):
            yield machine.send(kind(whole[index * step : (index + 1) * step], message_finished=index == pieces - 1))
            if pings:
                yield machine.send(Ping(b"%d" % index))

    async def serve(reader, writer):
        machine = WSConnection(ConnectionType.SERVER)
        parts = []
        pongs = 0
        while machine.state != ConnectionState.CLOSED and (data := await reader.read(1 << 20)):
            machine.receive_data(data)
            for event in machine.events():
                if isinstance(event, Request):
                    writer.write(machine.send(AcceptConnection(extensions=[PerMessageDeflate(**deflate)] if deflate else [])))
                elif isinstance(event, Message):
                    parts.append(event.data)
                    if event.message_finished:
                        writer.writelines(answers(machine, parts))
                        parts = []
                elif isinstance(event, CloseConnection):
                    ends.append((event.code, event.reason.partition(":")[0]))
                    writer.write(machine.send(event.response()))
                else:
                    assert isinstance(event, Pong), event
                    pongs += 1
            await writer.drain()
        assert not pings or pongs > pieces

    async with socket_server(serve) as url:
        yield url


SERVERS = {
    "websockets": (websockets_server, {}, False),
    "websockets, compressed": (websockets_server, {"server_no_context_takeover": False}, True),
    "websockets, no context": (websockets_server, {"server_no_context_takeover": True, "client_no_context_takeover": True}, True),
    "websockets, small windows": (websockets_server, {"server_max_window_bits": 9, "client_max_window_bits": 9}, True),
    "aiohttp": (aiohttp_server, {}, False),
    "aiohttp, compressed": (aiohttp_server, {"compress": True}, True),
    "wsproto": (wsproto_server, {}, False),
    "wsproto in pieces with pings": (wsproto_server, {"pieces": 5, "pings": True}, False),
    "wsproto, compressed": (wsproto_server, {"client_max_window_bits": 15}, True),
    "wsproto, compressed in pieces with pings": (wsproto_server, {"pieces": 3, "pings": True, "server_max_window_bits": 10}, True),
    "wsproto, no context": (wsproto_server, {"client_no_context_takeover": True, "server_no_context_takeover": True}, True),
}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("options", [(), ("--no-deflate",)], ids=["offering", "not offering"])
async def test_everything_comes_back_from_a_server(name, options):
    server, arguments, compresses = SERVERS[name]
    if not compresses and options:
        pytest.skip("no server, no client: the same as offering")
    ends = []
    async with server(ends, **arguments) as url:
        status, output, errors = await run_echo_client(url, "--messages", "40", "--max-message-bytes", "300000", "--seed", "3", *options)
        assert (status, errors) == (0, "")
    summary = json.loads(output)
    assert {key: summary[key] for key in ["messages", "deflate", "closeCode"]} == {
        "messages": 40, "deflate": compresses and not options, "closeCode": 1000,
    }
    assert summary["bytes"] > MEBIBYTE
    assert ends == [(1000, "normal")] or ends == [(1000, None)]


@pytest.mark.parametrize("arguments", [{}, {"server_no_context_takeover": False}], ids=["plain", "compressed"])
async def test_messages_of_4_mebibytes_come_back(arguments):
    ends = []
    async with websockets_server(ends, **arguments) as url:
        status, output, errors = await run_echo_client(url, "--messages", "36", "--max-message-bytes", str(4 * MEBIBYTE))
    assert (status, errors, ends) == (0, "", [(1000, "normal")])
    assert json.loads(output)["bytes"] > 8 * MEBIBYTE


async def test_the_same_seed_sends_the_same():
    async with wsproto_server([]) as url:
        outputs = [await run_echo_client(url, "--messages", "60", "--max-message-bytes", "5000", "--seed", seed) for seed in ["1", "1", "2"]]
    assert outputs[0] == outputs[1] != outputs[2]


# Servers that do something wrong.


def accepted(request, **headers):
    """The answer 101 to a request (bytes), with other headers as said: by their names with _ for -."""
    key = next(line.partition(": ")[2] for line in request.decode().split("\r\n") if line.lower().startswith("sec-websocket-key: "))
    accept = base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
    lines = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    kept = [f"{name}: {value}\r\n" for name, value in lines.items() if value is not None]
    return f"HTTP/1.1 101 Switching Protocols\r\n{''.join(kept)}\r\n".encode()


async def against(answer, *options):
    """What becomes of the client, and how long it took, where `answer(request, reader, writer)` goes on after the request."""

    async def serve(reader, writer):
        await answer(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        await writer.drain()
        await reader.read()  # until the client ends it, or the test

    async with socket_server(serve) as url:
        begin = time.monotonic()
        status, output, errors = await run_echo_client(url, "--messages", "3", *options)
        assert output == ""
        return status, errors, time.monotonic() - begin


def http(status, body, *lines):
    head = "".join(f"{line}\r\n" for line in lines)
    return lambda request: f"HTTP/1.1 {status}\r\n{head}\r\n{body}".encode()


# What the server answers, and words that the client's error must have.
BAD_ANSWERS = {
    "403 with a body": (http("403 Forbidden", "go away\n", "Content-Length: 8"), ["403", "go away"]),
    "403 without a body": (http("403 Forbidden", "", "Content-Length: 0"), ["403"]),
    "403 in chunks": (http("403 Forbidden", "7\r\ngo away\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), ["403", "go away"]),
    "200 instead of 101": (http("200 OK", "hello", "Content-Length: 5"), ["200", "hello"]),
    "a redirection": (http("302 Found", "", "Location: /elsewhere", "Content-Length: 0"), ["302"]),
    "a wrong accept header": (lambda request: accepted(request, Sec_WebSocket_Accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), ["acceptWrong"]),
    "no accept header": (lambda request: accepted(request, Sec_WebSocket_Accept=None), ["acceptWrong"]),
    "no Upgrade header": (lambda request: accepted(request, Upgrade=None), ["upgradeMissing"]),
    "another Connection": (lambda request: accepted(request, Connection="close"), ["upgradeMissing"]),
    "a subprotocol of its own": (lambda request: accepted(request, Sec_WebSocket_Protocol="chat"), ["chat"]),
    "an extension of its own": (lambda request: accepted(request, Sec_WebSocket_Extensions="x-snappy"), ["x-snappy"]),
    "a window of 7 bits": (lambda request: accepted(request, Sec_WebSocket_Extensions="permessage-deflate; server_max_window_bits=7"), ["=7"]),
    "compression twice": (lambda request: accepted(request, Sec_WebSocket_Extensions="permessage-deflate, permessage-deflate"), ["permessage-deflate"]),
    "no HTTP": (lambda request: b"220 mail.example.com ESMTP\r\n", ["not valid"]),
    "binary garbage": (lambda request: bytes(range(256)), ["not valid"]),
    "a header without end": (lambda request: b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 300_000, ["not valid"]),
    "headers without end": (lambda request: b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: x\r\n" * 100_000, ["not valid"]),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
async def test_a_bad_answer_to_the_opening_handshake_fails_at_once(name):
    make, words = BAD_ANSWERS[name]

    async def answer(request, reader, writer):
        writer.write(make(request))

    status, errors, seconds = await against(answer)
    assert status == 1
    for word in words:
        assert word in errors
    assert seconds < 5, errors


async def test_compression_that_was_not_offered_fails():
    async def answer(request, reader, writer):
        assert b"permessage-deflate" not in request
        writer.write(accepted(request, Sec_WebSocket_Extensions="permessage-deflate"))

    status, errors, _ = await against(answer, "--no-deflate")
    assert status == 1 and "permessage-deflate" in errors


async def test_a_refusal_whose_body_ends_with_the_connection_is_told():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\ncome back later")

    async with socket_server(serve) as url:
        status, _, errors = await run_echo_client(url)
    assert status == 1 and "503" in errors and "come back later" in errors


async def test_a_refusal_with_a_body_without_end_is_bounded():
    async def answer(request, reader, writer):
        writer.write(b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"2000\r\n" + b"x" * 0x2000 + b"\r\n")
            await writer.drain()

    status, errors, seconds = await against(answer, "--timeout", "1")
    assert status == 1 and len(errors) < 20_000 and seconds < 5


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nno"])
async def test_no_answer_ends_after_the_timeout(beginning):
    async def answer(request, reader, writer):
        writer.write(beginning)

    status, errors, seconds = await against(answer, "--timeout", "1")
    assert status == 1 and "within 1 s" in errors
    assert 0.9 < seconds < 5


async def test_a_server_that_hangs_up_is_told():
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")

    async with socket_server(serve) as url:
        status, _, errors = await run_echo_client(url)
    assert status == 1 and "closed the connection" in errors


async def test_an_address_where_nobody_listens_is_told():
    status, _, errors = await run_echo_client("ws://127.0.0.1:1/")
    assert status == 1 and "cannot reach 127.0.0.1:1" in errors


def unmasked(data):
    """The opcode and the payload of a short frame of a client."""
    length = data[1] & 0x7F
    assert data[1] & 0x80 and length < 126
    key, payload = data[2:6], data[6 : 6 + length]
    return data[0] & 0x0F, bytes(byte ^ key[index % 4] for index, byte in enumerate(payload))


def server_frame(opcode, payload=b"", **options):
    return frame(opcode, payload, masked=False, **options)


# What the server sends behind its good answer, and with which code the client closes.
BAD_FRAMES = {
    "a masked frame": (frame(TEXT, ""), 1002),
    "a reserved opcode": (server_frame(0x3), 1002),
    "a reserved bit": (server_frame(TEXT, "", reserved=2), 1002),
    "a compressed message that was not agreed on": (server_frame(TEXT, "", reserved=4), 1002),
    "a continuation of nothing": (server_frame(0x0, ""), 1002),
    "a message within a message": (server_frame(TEXT, "", fin=False) + server_frame(TEXT, ""), 1002),
    "a fragmented ping": (server_frame(PING, "", fin=False), 1002),
    "a ping that is too long": (server_frame(PING, "x" * 126), 1002),
    "text that is not UTF-8": (server_frame(TEXT, b"\xc3\x28"), 1007),
    "a close code that nobody may send": (server_frame(CLOSE, (1006).to_bytes(2, "big")), 1002),
    "a length that is too long": (b"\x82\x7f\x7f" + b"\xff" * 7, 1009),
    "a length that is not minimal": (b"\x82\x7e\x00\x01x", 1002),
    "garbage": (b"\xff" * 100, 1002),
}


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_bad_frame_of_a_server_is_answered_by_its_close_code(name):
    data, code = BAD_FRAMES[name]
    got = []

    async def answer(request, reader, writer):
        writer.write(accepted(request) + data)
        got.append(await asyncio.wait_for(reader.read(), PATIENCE))

    status, errors, _ = await against(answer)
    assert status == 1 and f"close code {code}" in errors
    frames = got[0]
    while frames and frames[0] & 0x0F in (TEXT, BINARY):  # its first message may have gone out before
        frames = frames[6 + (frames[1] & 0x7F) :]
    opcode, payload = unmasked(frames)
    assert (opcode, int.from_bytes(payload[:2], "big")) == (CLOSE, code)


@pytest.mark.parametrize(
    "data, words",
    [
        (server_frame(TEXT, "another"), ["message 0", "sent a text message of 0 bytes", "got a text message of 7 bytes"]),
        (server_frame(BINARY, ""), ["message 0", "got a binary message"]),
        (server_frame(TEXT, "") + server_frame(TEXT, ""), ["more than was sent"]),
        (server_frame(CLOSE, (1013).to_bytes(2, "big") + b"later"), ["message 0", "close code 1013: later"]),
        (server_frame(PING, "x"), ["message 0", "within 1 s"]),
    ],
    ids=["another text", "another kind", "twice", "a close frame", "nothing"],
)
async def test_a_wrong_echo_is_told(data, words):
    async def answer(request, reader, writer):
        writer.write(accepted(request))
        await reader.read(6)
        writer.write(data)

    status, errors, _ = await against(answer, "--timeout", "1")
    assert status == 1
    for word in words:
        assert word in errors


async def test_a_close_frame_that_is_not_answered_is_told():
    async def echo_but_not_the_end(reader, writer):
        writer.write(accepted(await reader.readuntil(b"\r\n\r\n")))
        while (head := await reader.readexactly(6))[0] & 0x0F != CLOSE:
            opcode, payload = unmasked(head + await reader.readexactly(head[1] & 0x7F))
            writer.write(server_frame(opcode, payload))

    async with socket_server(echo_but_not_the_end) as url:
        status, output, errors = await run_echo_client(url, "--messages", "4", "--max-message-bytes", "1")
    assert (status, output) == (1, "")
    assert "did not answer the close frame" in errors
