"""Texts that take a normalizing comparison for ever: it sorts a letter's combining marks (Protocol §1).

Run as a script it prints how long each takes: python Tests/SocketTests/test_combining_marks.py (CASEBUS_BINARY says which broker).
"""

import json
import struct
import time
import zlib

import pytest
from broker_process import BrokerProcess
from raw_connection import KEY, RawConnection, frame, opening_handshake

# U+0300 stands above, U+0316 below: in normal form the second kind comes first, so that each of them moves over all of the first kind.
MARKS = "\u0300" * 15_900 + "\u0316" * 15_900
# A broker built for debugging needed 2.6 s and more for each, 0.9 s for the choice of parked events.
SECONDS_MAX = 0.6

MESSAGES = {
    "an event": {"event": "a" + MARKS},
    "a request": {"request": "interaction.markdone" + MARKS},
    "an event to subscribe to": {"event": "subscribe", "data": "agent" + MARKS},
    "a channel to subscribe to": {"event": "subscribe", "data": "messenger:" + MARKS},
    "a subscription": {"event": "unsubscribe", "data": "a" + MARKS},
    "an event to publish": {"event": "publish", "data": {"event": "a" + MARKS, "data": {}}},
    "a state": {"event": "publish", "data": {"event": "interaction", "data": {"eventType": "T" + MARKS}}},
    "an attribute": {"event": "publish", "data": {"event": "interaction", "data": {"eventType": "RINGING", "interaction": {"interactionId": "1", "callType": "I" + MARKS}}}},
    "an interaction": {"request": "interaction.markdone", "parameters": ["1" + MARKS]},
    "an epoch": {"event": "subscribe", "data": "agent", "since": {"epoch": "1" + MARKS, "offset": 0}},
    "a place to begin": {"event": "subscribe", "data": "agent", "since": "b" + MARKS},
    "a name of a member": {"event" + MARKS: 1, "event": "x"},
    "a name of a consumer": {"request": "consumer.get", "parameters": ["a" + MARKS]},
    "a choice of parked events": {"request": "consumer.redeliver", "parameters": ["a", {"w" + MARKS: 1}]},
    "a messageId": {"event": "publish", "data": {"event": "agent", "data": {}}, "messageId": "1" + MARKS},
}

HEADERS = {
    "Connection": {"Connection": "Upgrade, u" + MARKS[12_400:19_400]},
    "Upgrade": {"Upgrade": "websocket, w" + MARKS[12_400:19_400]},
    "Sec-WebSocket-Version": {"Sec_WebSocket_Version": "1" + MARKS[12_400:19_400]},
    "Sec-WebSocket-Protocol": {"Sec_WebSocket_Protocol": "c" + MARKS[12_400:19_400]},
    "Sec-WebSocket-Extensions": {"Sec_WebSocket_Extensions": 'permessage-deflate; server_max_window_bits="' + MARKS[12_400:19_400]},
}


def deflated(text):
    """A message of permessage-deflate (RFC 7692 §7.2.1)."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflate.compress(text.encode()) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Connection(RawConnection):
    def __init__(self, port, workspace="default"):
        super().__init__(port)
        self.send(opening_handshake(port, f"/v2?workspace={workspace}", Sec_WebSocket_Extensions="permessage-deflate; client_no_context_takeover; server_no_context_takeover"))
        while b"\r\n\r\n" not in self.buffer:
            assert self.fill()
        assert self.take(self.buffer.index(b"\r\n\r\n") + 4).startswith(b"HTTP/1.1 101")

    def say(self, message):
        self.send(frame(1, deflated(json.dumps(message, ensure_ascii=False)), reserved=4))

    def receive(self):
        """The payload of the next message, inflated if it was deflated. Pings are passed over."""
        while (head := self.read(2))[0] & 0x8:
            self.read(head[1])
        length = head[1]
        if length == 126:
            (length,) = struct.unpack("!H", self.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.read(8))
        payload = self.read(length)
        return zlib.decompressobj(-15).decompress(payload + b"\0\0\xff\xff") if head[0] & 0x40 else payload

    def read(self, count):
        while len(self.buffer) < count:
            assert self.fill(), "the connection ended"
        return self.take(count)


def seconds_to_answer(port, message):
    """How long another workspace waits for its answer if this message comes before."""
    with Connection(port, "hostile") as hostile, Connection(port, "bystander") as bystander:
        hostile.socket.settimeout(120)
        bystander.socket.settimeout(120)
        start = time.monotonic()
        hostile.say({"referenceId": 1} | message)
        answer = hostile.receive()
        assert b'"referenceId":1' in answer, answer[:200]
        bystander.say({"request": "interaction.getInteractions"})
        assert b'"data":[]' in bystander.receive()
        return time.monotonic() - start


def seconds_to_refuse(port, headers):
    with RawConnection(port) as connection:
        connection.socket.settimeout(120)
        start = time.monotonic()
        connection.send(opening_handshake(port, **headers))
        while b"\r\n\r\n" not in connection.buffer:
            assert connection.fill()
        return time.monotonic() - start


def seconds_to_read_cases(port):
    """getInteractions of 1,000 expanded cases, each with an id of 60 combining marks."""
    with Connection(port, "cases") as connection:
        connection.socket.settimeout(120)
        for index in range(1_000):
            # The first 57 marks are out of order, the last three say which case it is.
            id = "a" + "\u0300\u0316\u0300" * 19 + "".join(chr(0x300 + int(digit, 16)) for digit in f"{index:03x}")
            connection.say({"event": "publish", "data": {"event": "interaction", "data": {"eventType": "RINGING", "interaction": {"interactionId": str(index), "caseId": id}}}})
            connection.say({"event": "publish", "data": {"event": "interaction", "data": {"eventType": "CASE_EXPANDED", "caseId": id}}})
        connection.say({"request": "system.getAllowedServices"})
        connection.receive()
        start = time.monotonic()
        connection.say({"request": "interaction.getInteractions"})
        interactions = json.loads(connection.receive())["data"]
        assert len(interactions) == 1_000 and all(interaction["isCaseExpanded"] for interaction in interactions)
        return time.monotonic() - start


@pytest.mark.parametrize("what", MESSAGES)
def test_message_holds_up_nobody(broker, what):
    assert seconds_to_answer(broker.port, MESSAGES[what]) < SECONDS_MAX


@pytest.mark.parametrize("what", HEADERS)
def test_handshake_is_refused_at_once(broker, what):
    assert seconds_to_refuse(broker.port, HEADERS[what]) < SECONDS_MAX


def test_cases_are_found_by_bytes(broker):
    assert seconds_to_read_cases(broker.port) < 2 * SECONDS_MAX


if __name__ == "__main__":
    broker = BrokerProcess()
    try:
        print(f"the event alone has {len(frame(1, deflated(json.dumps(MESSAGES['an event'], ensure_ascii=False))))} bytes with its frame's head")
        for what, message in MESSAGES.items():
            start = time.monotonic()
            try:
                seconds = f"{seconds_to_answer(broker.port, message):8.3f} s"
            except AssertionError as error:
                seconds = f"{time.monotonic() - start:8.3f} s until {error}"
            print(f"{seconds}  {what}", flush=True)
        for what, headers in HEADERS.items():
            print(f"{seconds_to_refuse(broker.port, headers):8.3f} s  header {what}", flush=True)
        print(f"{seconds_to_read_cases(broker.port):8.3f} s  getInteractions of 1,000 expanded cases with ids of 60 marks", flush=True)
    finally:
        broker.kill()
