"""Bad input: what it is answered with, and that nothing of it ends another session or the broker (Protocol §3.6, §11)."""

import asyncio
import json
import random
import time
from contextlib import suppress

import pytest
from broker_process import PATIENCE, REPOSITORY
from clients import END, Clients, Closed, assertion, event_text, publication, response_text
from raw_connection import BINARY, CLOSE, TEXT, RawConnection, frame, opening_handshake

ERRORS = [row["code"] for row in json.loads((REPOSITORY / "Protocol" / "registry" / "errors.json").read_text())["errors"]]
VECTORS = json.loads((REPOSITORY / "Protocol" / "vectors" / "client-messages.json").read_text(encoding="utf-8"), parse_float=str)
RELAYED = {"agent", "media", "outbound", "system"}


@pytest.fixture
def bystander(broker, new_workspace):
    """`async with bystander:` another session of another workspace, which must neither notice what happens within nor be hindered."""
    return Bystander(broker, new_workspace())


class Bystander:
    def __init__(self, broker, workspace):
        self.clients = Clients(broker)
        self.workspace = workspace

    async def __aenter__(self):
        await self.clients.__aenter__()
        self.session = await self.clients.open(self.workspace)
        await self.session.subscribe("interaction", "markdone", "agent", "media", "outbound", "system", "messenger:team")

    async def __aexit__(self, *_):
        await self.session.publish("agent", {"still": "here"})
        assert await self.session.receive() == event_text("agent", {"still": "here"})
        await self.clients.__aexit__()


def failure(text):
    """A failure in its form: its code, its message, and its referenceId if it has one."""
    message = json.loads(text)
    assert [key for key in message if key != "referenceId"] == ["errorMessage", "errorCode", "userAgent", "protocolVersion"], text
    assert text.endswith(END)
    assert message["errorCode"] in ERRORS
    assert message["errorMessage"] and "\n" not in message["errorMessage"]
    return message["errorCode"], message["errorMessage"], message.get("referenceId")


def nested(levels):
    """A request with a parameter so that the whole message has so many levels."""
    return '{"request":"interaction.markdone","referenceId":"r","parameters":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def with_members(count):
    return '{"request":"interaction.getInteractions","referenceId":"r",' + ",".join(f'"k{n}":0' for n in range(count - 2)) + "}"


def with_bytes(count):
    head, tail = '{"request":"interaction.getInteractions","referenceId":"r","frameId":"', '"}'
    return head + "x" * (count - len(head) - len(tail)) + tail


MALFORMED = {
    "not JSON": ("hello", ["0"]),
    "cut off": ('{"request":"interaction.getInteractions"', ["40"]),
    "an array": ("[]", ["object"]),
    "a string": ('"interaction"', ["object"]),
    "null": ("null", ["object"]),
    "NaN": ('{"referenceId":NaN}', ["15"]),
    "text after it": ("{} {}", ["3"]),
    "a byte order mark": ('\ufeff{"request":"interaction.getInteractions"}', ["0"]),
    "a lone surrogate": ('{"request":"\\ud800"}', []),
    "too deep": (nested(33), ["32"]),
    "much too deep": ("[" * 30_000, ["32"]),
    "too many members": (with_members(4097), ["4096"]),
    "a binary message": (b'{"request":"interaction.getInteractions","referenceId":"r"}', ["binary"]),
    "an empty binary message": (b"", ["binary"]),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_message_gets_a_failure_without_reference_and_the_session_goes_on(name, clients, workspace, bystander):
    message, words = MALFORMED[name]
    async with bystander, clients:
        client = await clients.open(workspace)
        for _ in range(3):
            await client.send(message)
            code, text, reference = failure(await client.receive())
            assert (code, reference) == ("malformed_message", None)
            for word in words:
                assert word in text
        assert await client.request("interaction.getInteractions") == []


@pytest.mark.parametrize("message", [nested(32), with_members(4096), with_bytes(65536)], ids=["32 levels", "4096 members", "65536 bytes"])
async def test_what_equals_a_limit_is_taken(message, clients, workspace):
    async with clients:
        client = await clients.open(workspace)
        await client.send(message)
        assert json.loads(await client.receive())["referenceId"] == "r"


def has_failure(vector, code=None):
    return "failure" in vector and (code is None or vector["failure"]["code"] == code)


@pytest.mark.parametrize("vector", [v for v in VECTORS if has_failure(v)], ids=lambda vector: vector["name"])
async def test_a_message_of_the_vectors_fails_as_written(vector, broker, workspace):
    expected = vector["failure"]
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        await client.send(vector["input"])
        text = await client.receive()
        code, message, _ = failure(text)
        assert code == expected["code"]
        reference = json.loads(text, parse_float=str).get("referenceId")
        assert (type(reference), reference) == (type(expected.get("referenceId")), expected.get("referenceId"))
        if "position" in expected:
            assert str(expected["position"]) in message


@pytest.mark.parametrize("vector", [v for v in VECTORS if not has_failure(v)], ids=lambda vector: vector["name"])
async def test_a_good_message_of_the_vectors_is_not_refused_by_its_form(vector, broker, workspace):
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        await client.send(vector["input"])
        await client.send({"request": "system.getAllowedServices", "referenceId": "behind"})
        while (answer := await client.receive_json()).get("referenceId") != "behind":
            if vector["message"]["type"] == "ack":  # its form is good, but this session has nothing to acknowledge
                assert answer["errorCode"] == "invalid_message", answer
                continue
            assert answer.get("errorCode") not in {"malformed_message", "invalid_message", "unsupported_protocol_version"}, answer


@pytest.mark.parametrize("message", ["not JSON", "[]", b"binary", nested(33)], ids=["text", "array", "binary", "too deep"])
async def test_ten_malformed_messages_close_the_session_with_4500(message, clients, workspace, bystander):
    async with bystander, clients:
        client, other = [await clients.open(workspace) for _ in range(2)]
        for _ in range(9):
            await client.send(message)
            assert failure(await client.receive())[0] == "malformed_message"
        assert await client.request("interaction.getInteractions") == []  # does not set the count back
        await client.send(message)
        end, texts = await client.closed()
        assert end.code == 4500
        assert [failure(text)[0] for text in texts] == ["malformed_message"]
        assert await other.request("interaction.getInteractions") == []
        # Every session has its own count.
        await other.send(message)
        assert failure(await other.receive())[0] == "malformed_message"
        assert await (await clients.open(workspace)).request("interaction.getInteractions") == []


async def test_nothing_is_answered_behind_the_tenth_malformed_message(clients, workspace):
    """§3.6: it "is answered too, then the session is closed"; §4.4.1: answers keep their order."""
    async with clients:
        client = await clients.open(workspace)
        for _ in range(9):
            await client.send("not JSON")
            await client.receive()
        await client.send({"request": "interaction.getInteractions", "referenceId": "before"})
        await client.send("not JSON")
        with suppress(Closed):  # a fast broker may have closed already
            for number in range(5):
                await client.send({"request": "interaction.getInteractions", "referenceId": f"behind {number}"})
        end, texts = await client.closed()
    assert end.code == 4500
    assert [json.loads(text).get("referenceId", json.loads(text).get("errorCode")) for text in texts] == ["before", "malformed_message"]


@pytest.mark.parametrize("size", [65_537, 200_000, 4_000_000])
async def test_a_message_over_the_limit_closes_the_session_with_1009(size, clients, workspace, bystander):
    async with bystander, clients:
        client, other = [await clients.open(workspace) for _ in range(2)]
        await client.send(with_bytes(65_536))
        assert await client.receive() == response_text("r", "[]")
        try:
            await client.send(with_bytes(size))
        except Closed:
            pass  # before all of it was sent
        end, texts = await client.closed()
        assert (end.code, texts) == (1009, [])
        assert await other.request("interaction.getInteractions") == []


async def test_the_limit_counts_all_fragments_of_a_message(start_broker):
    broker = start_broker("--message-bytes-max", "1000")
    async with Clients(broker) as clients:
        client = await clients.open("w")
        whole = with_bytes(1000)
        await client.transmit_fragments([whole[:400], whole[400:800], whole[800:]])
        assert await client.receive() == response_text("r", "[]")
        whole = with_bytes(1001)
        await client.transmit_fragments([whole[:400], whole[400:800], whole[800:]])
        end, _ = await client.closed()
        assert end.code == 1009


@pytest.mark.parametrize("library_of_binary", ["aiohttp", "websockets"])
async def test_a_binary_message_over_the_limit_closes_the_session_with_1009_too(broker, workspace, library_of_binary):
    async with Clients(broker, library_of_binary) as clients:
        client = await clients.open(workspace)
        await client.send(b"x" * 65_536)
        assert failure(await client.receive())[0] == "malformed_message"
        await client.send(b"x" * 65_537)
        assert (await client.closed())[0].code == 1009


# What is wrong in a message, the code, and words that the errorMessage must have.
IDLE_ONE = assertion("IDLE", "1")
TALKING_ONE = assertion("TALKING", "1")
WRONG = {
    "neither event nor request": ([], {"data": 1}, "invalid_message", ["event", "request"]),
    "event and request": ([], {"event": "subscribe", "data": "agent", "request": "interaction.markdone"}, "invalid_message", ["event", "request"]),
    "parameters of the wrong type": ([], {"request": "interaction.markdone", "parameters": "1"}, "invalid_message", ["parameters", "array"]),
    "subscribe without data": ([], {"event": "subscribe"}, "invalid_message", ["data"]),
    "unsubscribe by a number": ([], {"event": "unsubscribe", "data": 1}, "invalid_message", ["data", "number"]),
    "publish without an event": ([], {"event": "publish", "data": {"data": {}}}, "invalid_message", ["event"]),
    "protocolVersion 1": ([], {"request": "interaction.getInteractions", "protocolVersion": 1}, "unsupported_protocol_version", ["1", "2"]),
    "protocolVersion 3": ([], {"request": "interaction.getInteractions", "protocolVersion": 3}, "unsupported_protocol_version", ["3", "2"]),
    "protocolVersion as text": ([], {"event": "subscribe", "data": "agent", "protocolVersion": "2"}, "unsupported_protocol_version", ["2"]),
    "protocolVersion null": ([], {"request": "interaction.getInteractions", "protocolVersion": None}, "unsupported_protocol_version", ["null"]),
    "unknown request": ([], {"request": "interaction.explode"}, "unknown_request", ["interaction.explode"]),
    "a request of the vendor": ([], {"request": "voice.dial", "parameters": ["1"]}, "unknown_request", ["voice.dial", "Casebus"]),
    "unknown event": ([], {"event": "explode", "data": {}}, "unknown_event", ["explode", "subscribe", "publish"]),
    "subscribe to an unknown event": ([], {"event": "subscribe", "data": ["agent", "calls"]}, "unknown_event", ["calls", "interaction", "markdone"]),
    "subscribe to no channel": ([], {"event": "subscribe", "data": "messenger:"}, "unknown_event", ["messenger:"]),
    "publish of an unknown event": ([], publication("calls", {}), "unknown_event", ["calls", "interaction"]),
    "too few parameters": ([], {"request": "interaction.markdone"}, "invalid_parameters", ["interactionId"]),
    "too few of two": ([], {"request": "interaction.deleteUserData", "parameters": ["1"]}, "invalid_parameters", ["interactionId", "key"]),
    "too many parameters": ([], {"request": "interaction.getInteractions", "parameters": [1]}, "invalid_parameters", ["interaction.getInteractions", "1"]),
    "a parameter of the wrong type": ([], {"request": "interaction.markdone", "parameters": [1]}, "invalid_parameters", ["interactionId", "1", "string"]),
    "the second of the wrong type": ([IDLE_ONE], {"request": "interaction.setUserData", "parameters": ["1", "x"]}, "invalid_parameters", ["keyValues", "2", "object"]),
    "a warning that is too long": ([IDLE_ONE], {"request": "interaction.blockMarkdone", "parameters": ["1", "x" * 1025]}, "invalid_parameters", ["warningMessage", "1024"]),
    "a channel that is too long": ([], {"request": "messenger.broadcastMessage", "parameters": ["x" * 129, 1]}, "invalid_parameters", ["channel", "128"]),
    "published data of the wrong type": ([], publication("agent", 1), "invalid_parameters", ["object"]),
    "no eventType": ([], publication("interaction", {"interaction": {"interactionId": "1"}}), "invalid_parameters", ["eventType"]),
    "an unknown state": ([], assertion("WAITING", "1"), "invalid_parameters", ["eventType", "WAITING"]),
    "no interaction": ([], publication("interaction", {"eventType": "IDLE"}), "invalid_parameters", ["interaction"]),
    "no interactionId": ([], publication("interaction", {"eventType": "IDLE", "interaction": {}}), "invalid_parameters", ["interactionId"]),
    "an interactionId that is too long": ([], assertion("IDLE", "x" * 129), "invalid_parameters", ["interactionId", "128"]),
    "an attribute of the wrong type": ([], assertion("IDLE", "1", isConsultation="no"), "invalid_parameters", ["isConsultation", "boolean"]),
    "an unknown direction": ([], assertion("IDLE", "1", direction="UP"), "invalid_parameters", ["direction", "UP"]),
    "a party without a name": ([], assertion("IDLE", "1", parties=[{"name": "a"}, {}]), "invalid_parameters", ["parties", "name"]),
    "publish of markdone": ([], publication("markdone", {}), "not_publishable", ["markdone"]),
    "publish of CASE_CLOSED": ([IDLE_ONE], publication("interaction", {"eventType": "CASE_CLOSED", "selectedCaseId": "1"}), "not_publishable", ["CASE_CLOSED"]),
    "unknown interaction": ([], {"request": "interaction.markdone", "parameters": ["nobody"]}, "interaction_not_found", ["nobody"]),
    "unknown interaction to block": ([], {"request": "interaction.blockMarkdone", "parameters": ["nobody", ""]}, "interaction_not_found", ["nobody"]),
    "unknown case": ([IDLE_ONE], {"request": "interaction.selectCaseByCaseId", "parameters": ["nothing"]}, "case_not_found", ["nothing"]),
    "unknown case asserted": ([], publication("interaction", {"eventType": "CASE_SELECTED", "selectedCaseId": "nothing"}), "case_not_found", ["nothing"]),
    "unknown subscription": ([], {"event": "unsubscribe", "data": "none-such"}, "subscription_not_found", ["none-such"]),
    "an illegal transition": ([TALKING_ONE], assertion("RINGING", "1"), "illegal_transition", ["TALKING", "HELD", "IDLE", "ERROR", "UNKNOWN"]),
    "a state that is no beginning": ([], assertion("COMPLETED", "1"), "illegal_transition", ["RINGING", "INVITED", "PREVIEW"]),
    "markdone while talking": ([TALKING_ONE], {"request": "interaction.markdone", "parameters": ["1"]}, "illegal_state", ["TALKING", "IDLE", "ERROR"]),
    "user data of an IDLE call": ([IDLE_ONE], {"request": "interaction.setUserData", "parameters": ["1", {"a": "b"}]}, "illegal_state", ["IDLE", "TALKING", "RINGING"]),
    "deleting user data of an IDLE call": ([IDLE_ONE], {"request": "interaction.deleteUserData", "parameters": ["1", "a"]}, "illegal_state", ["IDLE", "TALKING"]),
    "too many event names": ([], {"event": "subscribe", "data": [f"messenger:{n}" for n in range(65)]}, "limit_exceeded", ["eventNamesPerSubscriptionMax", "64"]),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_message_gets_its_failure_and_changes_nothing(name, clients, workspace, bystander):
    before, message, expected, words = WRONG[name]
    async with bystander, clients:
        client, viewer = [await clients.open(workspace) for _ in range(2)]
        for good in before:
            assert (await client.ask(good))["data"] is None
        state = await client.request("interaction.getInteractions")
        await viewer.subscribe("interaction", "markdone", "agent", "messenger:team")
        # A failure is sent with and without a reference, also that of a publish.
        for reference in ["r", None, 7]:
            await client.send(message if reference is None else message | {"referenceId": reference})
            code, text, answered = failure(await client.receive())
            assert (code, answered) == (expected, reference)
            for word in words:
                assert word in text, f"{word!r} is not in {text!r}"
        assert await client.request("interaction.getInteractions") == state
        await client.publish("messenger:team", 1)
        assert await viewer.receive() == event_text("messenger:team", "1"), "a failure made an event"


async def test_an_unknown_interaction_that_is_asked_for_is_null(clients, workspace):
    async with clients:
        client = await clients.open(workspace)
        await client.send({"request": "interaction.getByInteractionId", "parameters": ["nobody"], "referenceId": "1"})
        assert await client.receive() == response_text("1")


async def test_interactions_of_a_workspace_are_limited(broker, workspace):
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        for number in range(1000):
            await client.send(assertion("IDLE", f"{number}"))
        answer = await client.ask(assertion("IDLE", "one too many"))
        assert (answer["errorCode"], "interactionsPerWorkspaceMax" in answer["errorMessage"]) == ("limit_exceeded", True)
        assert "1000" in answer["errorMessage"]
        await client.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "0", "ani": "1"}})
        await client.request("interaction.markdone", "0")
        assert (await client.ask(assertion("IDLE", "now there is room")))["data"] is None


async def test_user_data_of_an_interaction_are_limited(broker, workspace):
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        await client.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": "1"}})
        await client.request("interaction.setUserData", "1", {"a": "x" * 40_000})
        before = await client.request("interaction.getInteractions")
        answer = await client.ask({"request": "interaction.setUserData", "parameters": ["1", {"b": "x" * 40_000}]})
        assert (answer["errorCode"], "userDataBytesMax" in answer["errorMessage"]) == ("limit_exceeded", True)
        # {"a":"…40000…","b":"…"}: 6 + 40000 + 2 + 5 + … + 1 bytes, up to exactly the limit.
        rest = 65_536 - len(json.dumps({"a": "x" * 40_000, "b": ""}, separators=(",", ":")))
        assert await client.request("interaction.getInteractions") == before
        assert (await client.ask({"request": "interaction.setUserData", "parameters": ["1", {"b": "x" * (rest + 1)}]}))["errorCode"] == "limit_exceeded"
        assert await client.request("interaction.setUserData", "1", {"b": "x" * rest}) is None


FRAMES = {
    "text that is not UTF-8": (frame(TEXT, b'{"request":"\xff"}'), 1007),
    "an unmasked frame": (frame(TEXT, "{}", masked=False), 1002),
    "a reserved opcode": (frame(0x3, "{}"), 1002),
    "a reserved bit": (frame(TEXT, "{}", reserved=2), 1002),
    "a continuation of nothing": (frame(0x0, "{}"), 1002),
    "a fragmented ping": (frame(0x9, b"", fin=False), 1002),
    "a ping that is too long": (frame(0x9, b"x" * 126), 1002),
    "a close code that nobody may send": (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
    "a length of 63 bits": (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
}


@pytest.mark.parametrize("name", FRAMES)
async def test_a_bad_frame_closes_the_session_with_its_code(name, broker, workspace, bystander):
    data, expected = FRAMES[name]
    async with bystander:
        with RawConnection(broker.port) as connection:
            connection.open(workspace).send(data)
            code, _, texts = connection.receive_close()
            assert (code, texts) == (expected, [])
            connection.send_frame(CLOSE, code.to_bytes(2, "big"))
            connection.finish()
            assert connection.receive_end() == b""


async def test_the_reason_of_a_close_frame_begins_with_its_name(clients, workspace, broker):
    """§2.5. That of 4000 is in test_stop.py, that of 4001 in test_sessions.py."""
    reasons = {}
    async with clients:
        client = await clients.open(workspace)
        for _ in range(10):
            await client.send("not JSON")
        end, _ = await client.closed()
        reasons[end.code] = end.reason
        client = await clients.open(workspace)
        await client.send("x" * 65_537)
        end, _ = await client.closed()
        reasons[end.code] = end.reason
    for data in [frame(TEXT, b"\xff"), frame(0x3)]:
        with RawConnection(broker.port) as connection:
            connection.open(workspace).send(data)
            code, reason, _ = connection.receive_close()
            reasons[code] = reason
    names = {code: reason.partition(":")[0] for code, reason in reasons.items()}
    assert names == {4500: "too_many_malformed", 1009: "message_too_big", 1007: "invalid_payload", 1002: "protocol_error"}


# Noise: everything from a seed, so that it can be had again.

GOOD = [
    {"event": "subscribe", "data": ["interaction", "markdone", "messenger:team"], "referenceId": "1", "protocolVersion": 2},
    {"event": "unsubscribe", "data": "none", "referenceId": 2},
    assertion("RINGING", "1", 3.5, callType="INBOUND", ani="+41441234567", parties=[{"name": "Zoë"}], userData={"k": [1, None]}),
    assertion("TALKING", "1", True),
    assertion("IDLE", "1"),
    publication("interaction", {"eventType": "CASE_SELECTED", "selectedCaseId": "1"}, "4"),
    publication("messenger:team", {"text": "🙂 \\ \" \u0001"}, "5"),
    publication("agent", {"state": "READY"}),
    {"request": "interaction.getInteractions", "referenceId": "6", "userAgent": "x", "frameId": [[[]]]},
    {"request": "interaction.setUserData", "parameters": ["1", {"Segment": "gold"}], "referenceId": "7"},
    {"request": "interaction.blockMarkdone", "parameters": ["1", "wait"], "referenceId": "8"},
    {"request": "interaction.markdone", "parameters": ["1"], "referenceId": "9"},
    {"request": "interaction.selectCaseByCaseId", "parameters": ["1"], "referenceId": "10"},
    {"request": "messenger.broadcastMessage", "parameters": ["team", None], "referenceId": "11"},
]
PIECES = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\\u0000", b"\\ud800", b"\x00", b"\xc3\xa9", b"\xf0\x9f\x99\x82", b"1e999", b"-0", b"null", b"true", b"[" * 40, b" " * 50]


def noise(source):
    """One message: a good one, a changed one, or bytes of no meaning."""
    kind = source.random()
    if kind < 0.05:
        return source.randbytes(source.randrange(200))
    text = bytearray(json.dumps(source.choice(GOOD), ensure_ascii=False).encode())
    if kind < 0.35:
        return bytes(text)
    for _ in range(source.choice([1, 1, 1, 2, 5])):
        at = source.randrange(len(text) + 1)
        change = source.randrange(5)
        if change == 0:
            text[at:at] = source.choice(PIECES)
        elif change == 1:
            del text[at : at + source.choice([1, 1, 2, 10])]
        elif change == 2 and at < len(text):
            text[at] ^= 1 << source.randrange(8)
        elif change == 3:
            other = json.dumps(source.choice(GOOD)).encode()
            begin = source.randrange(len(other))
            text[at:at] = other[begin : begin + 30]
        elif change == 4 and at < len(text):
            text[at : at + 1] = str(source.randrange(10**source.randrange(1, 25))).encode()
    return bytes(text)


def is_text(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


async def send_noise(clients, workspace, seed, count):
    """Each message gets exactly one answer in its place (a good publish without a reference: none), and the session ends exactly when it must."""
    source = random.Random(seed)
    session, malformed, seen = None, 0, set()
    for number in range(count):
        if session is None:
            session, malformed = await clients.open(workspace), 0
        data = noise(source)
        answers = []
        try:
            await session.transmit_as_text(data)
            await session.send({"request": "system.getAllowedServices", "referenceId": f"behind {number}"})
            while (message := await session.receive_json()).get("referenceId") != f"behind {number}":
                if "event" not in message:
                    answers.append(message)
            assert "data" in message, f"behind message {number} of seed {seed}, which got {answers}: {message}"
        except Closed as end:
            expected = 1007 if not is_text(data) else 4500
            assert end.code == expected, f"message {number} of seed {seed}: {data!r} closed with {end}"
            assert expected == 1007 or malformed == 9, f"message {number} of seed {seed}"
            seen.add(end.code)
            session = None
            continue
        assert is_text(data), f"message {number} of seed {seed} is not UTF-8"
        codes = [answer.get("errorCode") for answer in answers]
        assert codes in ([], [None]) or codes[0] in ERRORS and len(codes) == 1, f"message {number} of seed {seed}: {data!r} got {answers}"
        if not codes:
            sent = json.loads(data)
            assert sent["event"] == "publish" and sent.get("referenceId") is None, f"message {number} of seed {seed}: {data!r} got no answer"
        malformed += codes == ["malformed_message"]
        assert malformed < 10, f"message {number} of seed {seed}: the session should have been closed"
        seen.update(codes)
    return seen


async def test_thousands_of_noisy_messages_are_each_answered_and_leave_nothing_behind(start_broker):
    broker = start_broker()
    async with Clients(broker) as clients:
        bystander = await clients.open("bystander")
        await bystander.subscribe("interaction", "markdone", "agent", "messenger:team")
        seen = set().union(*await asyncio.gather(*(send_noise(clients, f"warm{n}", n, 250) for n in range(4))))
        before = broker.resident_bytes()
        for part in range(2):
            seeds = range(100 + 4 * part, 104 + 4 * part)
            seen |= set().union(*await asyncio.gather(*(send_noise(clients, f"w{seed % 4}", seed, 500) for seed in seeds)))
        growth = broker.resident_bytes() - before
        await bystander.publish("agent", {"still": "here"})
        assert await bystander.receive() == event_text("agent", {"still": "here"})
    assert growth < 48 << 20, f"the broker has grown by {growth >> 20} MiB"
    # The noise reached what it was to reach.
    assert seen >= {None, 1007, 4500, "malformed_message", "invalid_message", "unknown_event", "unknown_request", "invalid_parameters", "illegal_state"}


def garbage(source, port):
    """Bytes for a fresh connection."""
    handshake = opening_handshake(port)
    kind = source.randrange(8)
    if kind == 0:
        return source.randbytes(source.randrange(1, 2000))
    if kind == 1:
        return handshake[: source.randrange(1, len(handshake))]
    if kind == 2:
        at = source.randrange(len(handshake))
        return handshake[:at] + source.randbytes(3) + handshake[at:]
    if kind == 3:
        return b"GET / HTTP/1.1\r\nX: " + b"a" * source.randrange(100_000)
    if kind == 4:
        return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + source.randbytes(300)  # TLS
    if kind == 5:
        return b"POST /v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + source.randbytes(5000)
    if kind == 6:
        return handshake + source.randbytes(source.randrange(500))
    frames = b"".join(frame(source.choice([TEXT, BINARY, 0, 9, 10]), source.randbytes(source.randrange(130)), fin=source.random() < 0.7) for _ in range(5))
    return handshake + frames[: source.randrange(len(frames))]


async def test_garbage_before_and_after_the_handshake_ends_its_own_connection_only(start_broker):
    broker = start_broker()
    source = random.Random(6455)
    async with Clients(broker) as clients:
        bystander = await clients.open("bystander")
        await bystander.subscribe("agent")
        for _ in range(20):
            with RawConnection(broker.port) as connection:
                connection.open("warm")
        files, memory = broker.open_files(), broker.resident_bytes()
        for _ in range(40):
            # Some at once, so that they get in each other's way if they can.
            connections = [RawConnection(broker.port) for _ in range(8)]
            for connection in connections:
                try:
                    connection.send(garbage(source, broker.port))
                except (ConnectionResetError, BrokenPipeError):
                    pass  # refused before it was all sent
            for connection in connections:
                ending = source.random()
                if ending < 0.3:
                    connection.reset()
                    continue
                connection.finish()
                connection.receive_end()  # the broker ends what can become nothing
                connection.socket.close()
        await bystander.publish("agent", {"still": "here"})
        assert await bystander.receive() == event_text("agent", {"still": "here"})
        await until(lambda: broker.open_files() <= files, "connections stay open")
    assert broker.resident_bytes() - memory < 48 << 20


async def until(condition, otherwise):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, otherwise
        await asyncio.sleep(0.01)


async def test_a_first_message_that_comes_along_with_the_handshake_is_answered(broker, workspace):
    with RawConnection(broker.port) as connection:
        request = frame(TEXT, json.dumps({"request": "interaction.getInteractions", "referenceId": "1"}))
        connection.send(opening_handshake(broker.port, f"/v2?workspace={workspace}") + request + request[: len(request) // 2])
        assert connection.receive_head()[0] == 101
        assert connection.receive_text() == response_text("1", "[]")
        connection.send(request[len(request) // 2 :])
        assert connection.receive_text() == response_text("1", "[]")


async def test_a_message_may_come_byte_by_byte_and_in_fragments_with_pings_between(broker, workspace):
    text = json.dumps({"request": "messenger.broadcastMessage", "parameters": ["é", "🙂"], "referenceId": "1"}, ensure_ascii=False).encode()
    with RawConnection(broker.port) as connection:
        connection.open(workspace)
        connection.socket.setsockopt(6, 1, 1)  # TCP_NODELAY
        for byte in frame(TEXT, text):
            connection.send(bytes([byte]))
        assert connection.receive_text() == response_text("1")
        split = text.index("🙂".encode()) + 2  # within a character
        connection.send(frame(TEXT, text[:split], fin=False) + frame(0x9, b"p") + frame(0x0, text[split:]))
        assert connection.receive_frame() == (0xA, b"p")
        assert connection.receive_text() == response_text("1")
