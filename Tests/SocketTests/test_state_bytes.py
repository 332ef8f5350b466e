"""What clients make a workspace keep is bounded in bytes, and whoever asks for its state gets it (Protocol §6.7).

`python test_state_bytes.py` prints the numbers of whatever broker CASEBUS_BINARY is."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest
from broker_process import BINARY, PATIENCE, BrokerProcess
from raw_connection import RawConnection

WORKSPACE_BYTES_MAX = 3 << 20
INTERACTION_BYTES_MAX = 98_304
# The worst for a state that keeps values in place of their text: 32 KB of JSON.
SMALL_OBJECTS = {"x": [{"a": 1}] * 4000}
# Written as \u0001: six bytes for each of what a client may think is one.
CONTROL_CHARACTERS = "\x01" * 10_000
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


def resident_mib(broker, line="VmRSS"):
    return int(re.search(rf"{line}:\s+(\d+)", Path(f"/proc/{broker.process.pid}/status").read_text())[1]) / 1024


def data_mib(directory):
    return sum(file.stat().st_size for file in Path(directory).rglob("*") if file.is_file()) / 2**20


class Desk:
    """One session that asks one thing after the other."""

    def __init__(self, broker):
        self.connection = RawConnection(broker.port).open("w")

    def ask(self, message):
        self.connection.send_text(json.dumps(message | {"referenceId": "r"}, separators=(",", ":")))
        return json.loads(self.connection.receive_text())

    def publish(self, number, state="RINGING", **attributes):
        interaction = {"interactionId": f"i{number}"} | attributes
        return self.ask({"event": "publish", "data": {"event": "interaction", "data": {"eventType": state, "interaction": interaction}}})

    def request(self, name, *parameters):
        return self.ask({"request": f"interaction.{name}", "parameters": parameters})

    def state(self):
        answer = self.request("getInteractions")
        assert "errorCode" not in answer, answer
        return answer["data"]

    def fill(self, steps):
        """Does what comes until the workspace is full; how many steps were taken."""
        for count, step in enumerate(steps):
            if "errorCode" in (answer := step()):
                assert answer["errorCode"] == "limit_exceeded" and "workspaceBytesMax" in answer["errorMessage"], answer
                return count
        raise AssertionError("the workspace never was full")


def by_publishes(desk):
    for number in range(1000):
        yield lambda: desk.publish(number, userData={"a": "x" * 32_000})


def by_set_user_data(desk):
    for number in range(1000):
        yield lambda: desk.publish(number)
        for key in range(3):
            yield lambda: desk.request("setUserData", f"i{number}", {f"k{key}": "x" * 20_000})


def by_parties(desk):
    for number in range(1000):
        yield lambda: desk.publish(number, parties=[{"name": "x" * 90}] * 500)


def by_strings(desk):
    for number in range(1000):
        yield lambda: desk.publish(number, ani="x" * 60_000)
        yield lambda: desk.publish(number, dnis="x" * 30_000)


def by_control_characters(desk):
    for number in range(1000):
        yield lambda: desk.publish(number, media=CONTROL_CHARACTERS)


def by_many(desk):
    for number in range(1000):
        yield lambda: desk.publish(number, caseId=f"{number:04}" + "\x01" * 100, parentInteractionId="\x01" * 128, userData={"a": "x" * 3000})


def by_growing_again(desk):
    """Each is small when it is new."""
    for number in range(200):
        yield lambda: desk.publish(number)
    for number in range(200):
        yield lambda: desk.publish(number, dnis="x" * 20_000)


WAYS = [by_publishes, by_set_user_data, by_parties, by_strings, by_control_characters, by_many, by_growing_again]


@pytest.mark.parametrize("way", WAYS)
def test_the_state_of_a_full_workspace_can_be_asked_for(way):
    broker = BrokerProcess()
    try:
        desk = Desk(broker)
        desk.fill(way(desk))
        text = json.dumps(desk.state(), ensure_ascii=False, separators=(",", ":"))
        # Nearly full, so that the test says something; what is missing is room for one more step.
        assert WORKSPACE_BYTES_MAX - 2 * INTERACTION_BYTES_MAX < len(text.encode()) <= WORKSPACE_BYTES_MAX
        # What makes it smaller is taken, and then there is room again.
        first = desk.state()[0]["interactionId"]
        assert desk.publish(first[1:], "IDLE")["data"] is None
        assert desk.request("markdone", first)["data"] is None
        assert desk.publish("new")["data"] is None
    finally:
        broker.stop()


def test_blocks_count_and_do_not_keep_anybody_from_the_state():
    broker = BrokerProcess("--block-markdone-timeout", "600000")
    try:
        desk = Desk(broker)
        for number in range(100):
            desk.publish(number)
        sessions = [Desk(broker) for _ in range(32)]
        steps = (lambda: session.request("blockMarkdone", f"i{number}", "\x01" * 1024) for session in sessions for number in range(100))
        # One is 6 KB as JSON.
        assert 450 < desk.fill(steps) < 512
        assert len(desk.state()) == 100
    finally:
        broker.stop()


def test_an_interaction_is_refused_that_is_too_large_and_stays_as_it_was():
    broker = BrokerProcess()
    try:
        desk = Desk(broker)
        desk.publish(1, ani="x" * 60_000)
        before = desk.state()
        answer = desk.publish(1, dnis="x" * 60_000)
        assert answer["errorCode"] == "limit_exceeded"
        assert re.fullmatch(r'interaction "i1" would have 120\d{3} bytes, allowed are 98304 \(interactionBytesMax\)', answer["errorMessage"])
        assert desk.state() == before
    finally:
        broker.stop()


def grow_by_small_objects(interactions):
    """Memory before and after, and how many interactions there are then."""
    broker = BrokerProcess()
    try:
        desk = Desk(broker)
        desk.publish("first")
        before = resident_mib(broker)
        results = [desk.publish(number, userData=SMALL_OBJECTS) for number in range(interactions)]
        count = sum("errorCode" not in result for result in results)
        return before, resident_mib(broker), resident_mib(broker, "VmHWM"), count
    finally:
        broker.stop()


def grow_the_journal():
    """How large a journal gets by 300 requests of 90 bytes, once an interaction is as large as it may be."""
    with tempfile.TemporaryDirectory() as directory:
        broker = BrokerProcess("--data", directory)
        try:
            desk = Desk(broker)
            for attribute in ["ani", "dnis", "media", "callUuid", "interactionUUID", "userData", "parties"]:
                value = {"userData": {"a": "x" * 60_000}, "parties": [{"name": "x" * 60_000}]}.get(attribute, "x" * 60_000)
                desk.publish(1, **{attribute: value})
            before = data_mib(directory)
            for number in range(300):
                desk.request("setUserData", "i1", {"k": number})
            return before, data_mib(directory)
        finally:
            broker.stop()


@pytest.mark.parametrize(
    "options, sentence",
    [
        (
            ["--workspace-bytes-max", "4194304"],
            "answerBytesMax is 4194304, expected more than workspaceBytesMax, 4194304, so that interaction.getInteractions always has an answer",
        ),
        (["--answer-bytes-max", "3145728"], "answerBytesMax is 3145728, expected more than workspaceBytesMax, 3145728"),
        (["--interaction-bytes-max", "3145729"], "interactionBytesMax is 3145729, expected at most workspaceBytesMax, 3145728"),
        (["--interaction-bytes-max", "0"], "--interaction-bytes-max is 0, expected 1 to 536870912"),
    ],
)
def test_limits_that_leave_a_state_without_an_answer_stop_the_start(options, sentence):
    result = subprocess.run([BINARY, "serve", "--journal", "memory", "--port", "0", *options], capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 64 and sentence in result.stderr, result


@needs_proc
def test_small_objects_take_a_small_multiple_of_their_bytes():
    before, after, _, count = grow_by_small_objects(100)
    # They are kept twice: in the state and in the memory journal.
    kept = count * len(json.dumps(SMALL_OBJECTS, separators=(",", ":"))) / 2**20
    assert 2.5 < kept < 3
    assert after - before < 8 * kept


def test_small_requests_grow_the_journal_by_no_more_than_one_interaction_each():
    before, after = grow_the_journal()
    # A half more, for the pages of the files.
    assert after - before < 300 * 1.5 * INTERACTION_BYTES_MAX / 2**20


if __name__ == "__main__":
    before, after, peak, count = grow_by_small_objects(300)
    print(f"300 interactions of 4,000 small objects: {count} taken, {before:.0f} MiB before, {after:.0f} after, {peak:.0f} at most")
    before, after = grow_the_journal()
    print(f"300 setUserData of 90 bytes: the journal grows from {before:.1f} to {after:.1f} MiB")
