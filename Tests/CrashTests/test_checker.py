"""The checker finds what it is there to find: each lie that a broker could tell is told to it, once."""

import asyncio
import copy

import pytest
from checker import check_run
from fold import Fold, IllegalEvent
from history import History, Violation
from powercut import Change, WRITE, redo, undo
from roles import Subscriber
from run import Run
from server import Server


@pytest.fixture(scope="module")
def whole():
    """What clients saw of a broker that nothing happened to."""
    return asyncio.run(record())


async def record():
    server = Server("--journal", "memory", "--block-markdone-timeout", "300", "--log-level", "warning")
    run = Run("checker", server)
    try:
        await server.start()
        run.add_load(1, rate=300)
        await run.pause(1.5)
        await run.quiesce()
        await run.finish()
    finally:
        await server.end()
    check_run(run.history, run.end_of)
    return run.history


def end_of(history):
    return lambda workspace: max(history.streams[workspace].events)


@pytest.fixture
def history(whole):
    return copy.deepcopy(whole)


def refused(history, text):
    with pytest.raises(Violation, match=text):
        check_run(history, end_of(history))


def events_of(history):
    return next(iter(history.streams.values())).events


def find(events, *parts, skip=0):
    return [o for o, content in sorted(events.items()) if all(p in content for p in parts)][skip]


def remove(history, offset):
    """An event is gone, and those after it moved up, so that there is no gap."""
    events = events_of(history)
    for later in range(offset, max(events)):
        events[later] = events[later + 1]
    del events[max(events)]


def insert(history, offset, content):
    events = events_of(history)
    for later in range(max(events), offset - 1, -1):
        events[later + 1] = events[later]
    events[offset] = content


def test_gap(history):
    del events_of(history)[5]
    refused(history, "event 5 of .* was never seen")


def test_lost_event(history):
    remove(history, find(events_of(history), b'"agent"'))
    refused(history, ".")


def test_last_event_lost(history):
    events = events_of(history)
    # The very last one may be an expiry, of which nobody was told.
    last = max(command.offset for command in history.commands.values() if command.kind == "relay")
    for offset in [offset for offset in events if offset >= last]:
        del events[offset]
    refused(history, ".")


def test_event_twice(history):
    offset = find(events_of(history), b'"agent"')
    insert(history, max(events_of(history)) + 1, events_of(history)[offset])
    refused(history, "had effects at")


def test_interaction_event_twice(history):
    offset = find(events_of(history), b'"interaction"', b'"eventType":"RINGING"')
    insert(history, offset + 1, events_of(history)[offset])
    refused(history, "had an effect twice|has event|had effects")


def test_order_of_a_source(history):
    events = events_of(history)
    first, second = (find(events, b'"agent"', b'source0:', skip=n) for n in (0, 1))
    events[first], events[second] = events[second], events[first]
    refused(history, "has event")


def test_event_that_nobody_caused(history):
    insert(history, max(events_of(history)) + 1, b'"agent","data":{"mark":"nobody:1"}')
    refused(history, "which nobody sent")


def test_acknowledged_command_without_event(history):
    command = next(c for c in history.commands.values() if c.kind == "relay")
    other = copy.copy(command)
    other.message_id = other.mark = "crash-0-source0:999999"
    history.commands[other.message_id] = other
    refused(history, "was acknowledged .* but has no event")


def test_failed_command_with_event(history):
    command = next(c for c in history.commands.values() if c.kind == "relay")
    command.answer = command.answer.replace(b'"data":null', b'"errorMessage":"no","errorCode":"limit_exceeded"')
    refused(history, "failed .* but made event")


def test_refused_command_with_event(history):
    command = next(c for c in history.commands.values() if c.kind == "relay")
    command.answer, command.abandoned, command.refused = None, True, 1
    refused(history, "failed with journal_unavailable, but made event")


def test_command_without_answer(history):
    next(iter(history.commands.values())).answer = None
    refused(history, "was never answered")


def test_answer_with_a_wrong_offset(history):
    command = next(c for c in history.commands.values() if c.kind == "relay")
    before = b'"offset":%d,' % command.offset
    command.answer = command.answer.replace(before, b'"offset":%d,' % (command.offset - 1))
    refused(history, "but was told offset")


def test_markdone_without_effect(history):
    command = next(c for c in history.commands.values() if c.kind == "markdone" and c.succeeded)
    command.target = "another"
    refused(history, "nobody marked")


def test_block_that_ends_twice(history):
    events = events_of(history)
    expiry = events[find(events, b'"MARKDONE_BLOCK_EXPIRED"')]
    # Once more than there can be blocks left: one that was made again counts twice for the checker.
    for _ in range(sum(b'"MARKDONE_BLOCKED"' in content for content in events.values()) + 1):
        insert(history, max(events) + 1, expiry)
    refused(history, "which had no block left|of that time")


def test_state_of_another_moment(history):
    states = next(iter(history.streams.values())).states
    offset, body = next(s for s in states if s[1] != b"[]")
    states.append((offset, body.replace(b'"isConsultation":false', b'"isConsultation":true', 1)))
    refused(history, "is not that of the events")


def test_illegal_transition():
    fold = Fold()
    interaction = {"interactionId": "1", "caseId": "1", "state": "RINGING"}
    fold.add("interaction", {"eventType": "RINGING", "interaction": interaction})
    with pytest.raises(IllegalEvent):
        held = {**interaction, "state": "HELD", "previousState": "RINGING"}
        fold.add("interaction", {"eventType": "HELD", "interaction": held})


# ---- What is noticed at once ----

END = b',"userAgent":"WWE Server","protocolVersion":2,"offset":%d,"epoch":"e"}'


class OneClient:
    """What a subscriber needs of a run."""

    def __init__(self):
        self.history = History()
        self.failure = None

    @staticmethod
    def random_of(name):
        return None


def event(offset, text=b"1"):
    return b'{"event":"agent","data":{"n":' + text + b"}" + END % offset


def subscriber():
    client = Subscriber("s", "w", OneClient())
    client.received(
        b'{"referenceId":"subscribe","subscriptionId":"1","userAgent":"WWE Server","protocolVersion":2,'
        b'"recovered":true,"offset":0,"epoch":"e"}'
    )
    client.received(event(1))
    return client


@pytest.mark.parametrize(
    "text", [event(1), event(3), event(2).replace(b'"e"}', b'"f"}'), event(2).replace(b'"agent"', b'"messenger:a"')],
    ids=["twice", "gap", "epoch", "name"],
)  # fmt: skip
def test_subscriber_notices(text):
    with pytest.raises(Violation):
        subscriber().received(text)


def test_two_clients_that_see_different_events():
    client = subscriber()
    with pytest.raises(Violation, match="was .* before"):
        client.history.event("other", "w", event(1, b"2"))


def test_answer_again_that_differs(whole):
    history = copy.deepcopy(whole)
    command = next(c for c in history.commands.values() if c.succeeded)
    with pytest.raises(Violation, match="again it is"):
        history.answered(command, command.answer.replace(b"null", b"true"))


def test_not_recovered():
    client = Subscriber("s", "w", OneClient())
    with pytest.raises(Violation, match="not recovered"):
        client.received(
            b'{"referenceId":"subscribe","subscriptionId":"1","userAgent":"WWE Server","protocolVersion":2,'
            b'"recovered":false,"offset":0,"epoch":"e"}'
        )


def test_power_cut_takes_back_and_gives_again(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old-old-new")
    change = Change(WRITE, 8, b"new", 8, 1, b"")
    with open(path, "r+b") as file:
        undo(file, change)
        assert path.read_bytes() == b"old-old-"

        class Dice:
            @staticmethod
            def random():
                return 0

        redo(file, change, Dice)
    assert path.read_bytes() == b"old-old-new"
