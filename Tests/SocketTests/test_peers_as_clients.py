"""Other people's clients against `casebus-devtools echo-server`: everything comes back as it was sent."""

import asyncio

import pytest
from echo_process import SIZES, EchoProcess, messages_of, random_text
from peers import PEERS, AiohttpPeer, PeerClosed, WebsocketClientPeer, WebsocketsPeer, WsprotoPeer
from raw_connection import BINARY, CLOSE, PING, TEXT, RawConnection, opening_handshake

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def echo_server():
    yield from running()


@pytest.fixture(scope="module")
def plain_echo_server():
    yield from running("--no-deflate")


@pytest.fixture(scope="module")
def small_echo_server():
    yield from running("--max-message-bytes", "70000")


def running(*options):
    server = EchoProcess(*options)
    try:
        yield server
        server.stop()
        assert "Fatal error" not in server.error_text()
    finally:
        server.kill()


async def expect_echoes(peer, messages):
    for message in messages:
        await peer.send(message)
        echo = await peer.receive()
        assert type(echo) is type(message) and len(echo) == len(message)
        assert echo == message


# What a client offers, and what is then agreed on: window bits and context, of the server and of the client (RFC 7692 §7.1).
OFFERS = [
    ("nothing said", WebsocketsPeer, {"client_max_window_bits": None}, (15, False, 15, True)),
    ("client_max_window_bits", WebsocketsPeer, {"client_max_window_bits": True}, (15, False, 15, True)),
    ("server_no_context_takeover", WebsocketsPeer, {"server_no_context_takeover": True}, (15, False, 15, True)),
    ("client_no_context_takeover", WebsocketsPeer, {"client_no_context_takeover": True}, (15, False, 15, False)),
    ("both without context", WebsocketsPeer, {"server_no_context_takeover": True, "client_no_context_takeover": True}, (15, False, 15, False)),
    *((f"server_max_window_bits={bits}", WebsocketsPeer, {"server_max_window_bits": bits}, (bits, False, 15, True)) for bits in range(9, 16)),
    *((f"client_max_window_bits={bits}", WebsocketsPeer, {"client_max_window_bits": bits}, (15, False, bits, True)) for bits in range(9, 16)),
    ("a server window that zlib cannot do", WebsocketsPeer, {"server_max_window_bits": 8}, None),
    (
        "everything", WebsocketsPeer,
        {"server_no_context_takeover": True, "client_no_context_takeover": True, "server_max_window_bits": 10, "client_max_window_bits": 9},
        (10, False, 9, False),
    ),
    ("the usual", WsprotoPeer, {"client_max_window_bits": 15}, (15, False, 15, True)),
    ("client_no_context_takeover", WsprotoPeer, {"client_no_context_takeover": True}, (15, False, 15, False)),
    ("both windows of 9 bits", WsprotoPeer, {"client_max_window_bits": 9, "server_max_window_bits": 9}, (9, False, 9, True)),
    ("the usual", AiohttpPeer, {"compress": 15}, 15),
    ("server_max_window_bits=9", AiohttpPeer, {"compress": 9}, 15),
]


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: f"{offer[1].__name__}: {offer[0]}")
async def test_compressed_messages_come_back(offer, echo_server):
    _, library, deflate, agreed = offer
    peer = await library.connect(echo_server.url, **deflate)
    assert peer.agreed == agreed
    await expect_echoes(peer, messages_of([0, 1, 127, 128, 5000, 65_536, 65_537, 200_000]))
    assert await peer.close(1000, "") == 1000


@pytest.mark.parametrize("library", PEERS.values(), ids=PEERS)
async def test_messages_of_all_sizes_come_back(library, echo_server):
    peer = await library.connect(echo_server.url)
    assert peer.agreed is None
    await expect_echoes(peer, messages_of([*SIZES, 4 * MEBIBYTE]))
    assert await peer.close(1000, "") == 1000


@pytest.mark.parametrize("library", [WebsocketsPeer, AiohttpPeer, WsprotoPeer])
async def test_large_messages_come_back_compressed(library, echo_server):
    deflate = {"compress": 15} if library is AiohttpPeer else {"client_max_window_bits": 15}
    peer = await library.connect(echo_server.url, **deflate)
    await expect_echoes(peer, messages_of([MEBIBYTE, 4 * MEBIBYTE]))
    assert await peer.close(1000, "") == 1000


@pytest.mark.parametrize("deflate", [{}, {"client_max_window_bits": True}], ids=["plain", "compressed"])
async def test_a_message_of_16_mebibytes_comes_back(deflate, echo_server):
    peer = await WebsocketsPeer.connect(echo_server.url, **deflate)
    text, data, _ = messages_of([16 * MEBIBYTE])
    await expect_echoes(peer, [text, data])
    assert await peer.close(1000, "") == 1000


async def test_what_comes_back_is_compressed(echo_server):
    peer = await WsprotoPeer.connect(echo_server.url, client_max_window_bits=15)
    before = peer.bytes_received
    await expect_echoes(peer, ["a" * MEBIBYTE])
    assert peer.bytes_received - before < 5000
    await peer.close(1000, "")


@pytest.mark.parametrize("offer", [(WebsocketsPeer, {"client_max_window_bits": True}), (WsprotoPeer, {"client_max_window_bits": 15}), (AiohttpPeer, {"compress": 15})])
async def test_a_server_without_compression_declines_the_offer(offer, plain_echo_server):
    library, deflate = offer
    peer = await library.connect(plain_echo_server.url, **deflate)
    assert peer.agreed is None
    await expect_echoes(peer, messages_of([0, 5000]))
    assert await peer.close(1000, "") == 1000


def fragments_of(message, count):
    step = len(message) // count
    return [message[: step], "" if isinstance(message, str) else b"", *(message[index * step : (index + 1) * step] for index in range(1, count)), message[count * step :]]


FRAGMENTING = [
    (WebsocketsPeer, {}), (WebsocketsPeer, {"client_max_window_bits": True}), (WebsocketsPeer, {"client_no_context_takeover": True}),
    (WsprotoPeer, {}), (WsprotoPeer, {"client_max_window_bits": 10}), (WebsocketClientPeer, {}),
]


@pytest.mark.parametrize("peer", FRAGMENTING, ids=lambda peer: f"{peer[0].__name__}{' compressed' if peer[1] else ''}")
async def test_fragments_with_pings_between_come_back_as_one_message(peer, echo_server):
    library, deflate = peer
    peer = await library.connect(echo_server.url, **deflate)
    for size in [10, 1000, 300_000]:
        for message in messages_of([size]):
            await peer.send_fragments(fragments_of(message, 7))
            assert await peer.receive() == message
    assert await peer.close(1000, "") == 1000


@pytest.mark.parametrize("library", PEERS.values(), ids=PEERS)
async def test_pings_are_answered(library, echo_server):
    peer = await library.connect(echo_server.url)
    for payload in [b"", b"1", bytes(range(125))]:
        await peer.ping(payload)
    await expect_echoes(peer, ["still here"])
    assert await peer.close(1000, "") == 1000


@pytest.mark.parametrize("library", PEERS.values(), ids=PEERS)
@pytest.mark.parametrize("end", [(1000, ""), (1001, "bye"), (1011, "ä" * 61), (3000, "🙂"), (4999, "x" * 123)], ids=lambda end: f"{end[0]}")
async def test_the_close_code_of_a_client_comes_back(library, end, echo_server):
    peer = await library.connect(echo_server.url)
    await expect_echoes(peer, ["hello"])
    assert await peer.close(*end) == end[0]


@pytest.mark.parametrize("library", PEERS.values(), ids=PEERS)
@pytest.mark.parametrize("is_fragmented", [False, True], ids=["whole", "fragmented"])
async def test_a_message_over_the_limit_is_closed_with_1009_and_a_reason(library, is_fragmented, small_echo_server):
    if is_fragmented and not library.fragments:
        pytest.skip("the library sends no fragments")
    peer = await library.connect(small_echo_server.url)
    await expect_echoes(peer, ["x" * 70_000])
    message = "x" * 70_001
    await (peer.send_fragments(fragments_of(message, 3)) if is_fragmented else peer.send(message))
    with pytest.raises(PeerClosed) as closed:
        await peer.receive()
    assert closed.value.code == 1009
    assert "limit" in closed.value.reason


@pytest.mark.parametrize("library, deflate", [(WebsocketsPeer, {"client_max_window_bits": True}), (AiohttpPeer, {"compress": 15}), (WsprotoPeer, {"client_max_window_bits": 15})])
async def test_a_compressed_message_over_the_limit_is_closed_with_1009(library, deflate, small_echo_server):
    """The limit is that of the message, however small its frame is (a "bomb")."""
    peer = await library.connect(small_echo_server.url, **deflate)
    await expect_echoes(peer, ["x" * 70_000])
    await peer.send("x" * 16 * MEBIBYTE)
    with pytest.raises(PeerClosed) as closed:
        await peer.receive()
    assert closed.value.code == 1009


async def test_what_deflate_makes_longer_is_taken_up_to_the_limit(small_echo_server):
    """Bytes that do not compress grow by some when deflated: the limit counts them as they were."""
    peer = await WebsocketsPeer.connect(small_echo_server.url, client_max_window_bits=True)
    _, data, _ = messages_of([70_000])
    await expect_echoes(peer, [data])
    assert await peer.close(1000, "") == 1000


async def test_many_messages_at_once_come_back_in_order(echo_server):
    peers = [await WebsocketsPeer.connect(echo_server.url, **deflate) for deflate in [{}, {"client_max_window_bits": True}] * 5]

    async def send(peer, messages):
        for message in messages:
            await peer.send(message)

    async def exchange(peer, seed):
        messages = list(messages_of([*range(0, 400, 7), 3000, 70_000], seed))
        sending = asyncio.create_task(send(peer, messages))
        assert [await peer.receive() for _ in messages] == messages
        await sending
        assert await peer.close(1000, "") == 1000

    await asyncio.gather(*(exchange(peer, seed) for seed, peer in enumerate(peers)))


def open_raw(server, **headers):
    connection = RawConnection(server.port)
    connection.send(opening_handshake(server.port, "/", **headers))
    assert connection.receive_head()[0] == 101
    return connection


def test_a_close_frame_without_a_code_is_answered_by_one_without(echo_server):
    with open_raw(echo_server) as connection:
        connection.send_frame(CLOSE)
        assert connection.receive_frame() == (CLOSE, b"")
        assert connection.receive_frame() is None


def test_data_behind_a_close_frame_is_not_answered(echo_server):
    with open_raw(echo_server) as connection:
        connection.send_frame(TEXT, "1")
        connection.send_frame(CLOSE, (1000).to_bytes(2, "big") + b"done")
        connection.send_frame(TEXT, "2")
        connection.send_frame(PING, "3")
        assert connection.receive_frame() == (TEXT, b"1")
        assert connection.receive_frame() == (CLOSE, (1000).to_bytes(2, "big"))
        assert connection.receive_frame() is None


def test_a_text_that_is_cut_within_a_character_comes_back(echo_server):
    import random

    text = random_text(random.Random(7), 997).encode()
    with open_raw(echo_server) as connection:
        for step in [1, 2, 3, 100]:
            parts = [text[index : index + step] for index in range(0, len(text), step)]
            for index, part in enumerate(parts):
                connection.send_frame(0 if index else TEXT, part, fin=index == len(parts) - 1)
            assert connection.receive_frame() == (TEXT, text)
        connection.send_frame(BINARY, text[1:5])
        assert connection.receive_frame() == (BINARY, text[1:5])
