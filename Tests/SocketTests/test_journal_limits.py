"""What one workspace does to the journal is no other workspace's business; who looks at it learns no more than it should."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing

import pytest
from broker_process import PATIENCE
from clients import Clients
from test_journal import data, disk, fill, ready, refusal, serve  # noqa: F401 (fixtures)


async def test_a_journal_that_is_numbered_to_its_end_fails_nobody(serve, data):
    """The last number was given: commands in new workspaces are refused, and nothing else, until the first sweep (10 s) finds numbers that are free."""
    serve().stop()
    with closing(sqlite3.connect(data / "journal.sqlite")) as database, database:
        # Not one of which nothing is kept: that would be forgotten.
        database.execute("INSERT INTO workspaces(id, name, deadline) VALUES(8388607, 'last', 9000000000000), (1, 'other', 9000000000000)")
    async with Clients(serve()) as clients:
        other = await clients.open("other")
        answers, new_answers = [], []
        for number in range(200):
            answers.append(await other.ask({"event": "publish", "data": {"event": "agent", "data": {}}}))
            if number % 20 == 0:
                new = await clients.open(f"new-{number}")
                new_answers.append(await new.ask({"event": "publish", "data": {"event": "agent", "data": {}}}))
        refused = sum("errorCode" in answer for answer in answers)
        print(f"{refused} of {len(answers)} publishes of another workspace refused")
        assert refused == 0
        assert all("journalWorkspacesMax" in answer["errorMessage"] for answer in new_answers), new_answers
        deadline = time.monotonic() + 2 * PATIENCE
        while "errorCode" in await new.ask({"event": "publish", "data": {"event": "agent", "data": {}}}):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.2)


async def test_a_position_of_another_workspace_is_none(serve, data):
    async with Clients(serve()) as clients:
        positions = {}
        for workspace in ["a", "b"]:
            client = await clients.open(workspace)
            for _ in range(3):
                await client.publish("agent", {})
            answer = await client.ask({"event": "subscribe", "data": "agent", "positions": True})
            positions[workspace] = {"epoch": answer["epoch"], "offset": 1}
        for workspace in ["a", "b"]:
            for of in ["a", "b"]:
                client = await clients.open(workspace)
                answer = await client.ask({"event": "subscribe", "data": "agent", "since": positions[of]})
                assert answer["recovered"] == (workspace == of), (workspace, of)
        # Nor does a durable consumer begin there.
        answer = await (await clients.open("a")).ask({"event": "subscribe", "data": "agent", "durable": "bot", "since": positions["b"]})
        assert answer["errorCode"] == "invalid_parameters"


async def test_positions_stand_after_a_restart(serve, data):
    broker = serve()
    async with Clients(broker) as clients:
        client = await clients.open("a")
        answer = await client.ask({"event": "subscribe", "data": "agent", "positions": True})
        await client.publish("agent", {})
    broker.stop()
    async with Clients(serve()) as clients:
        client = await clients.open("a")
        answer = await client.ask({"event": "subscribe", "data": "agent", "since": {"epoch": answer["epoch"], "offset": 0}})
        assert answer["recovered"] is True
        assert (await client.receive_json())["offset"] == 1


async def test_failures_do_not_tell_where_the_journal_is(disk, start_broker):
    path = disk(8 << 20)
    broker = start_broker("--data", str(path / "data"))
    async with Clients(broker) as clients:
        client = await clients.open("w")
        fill(path / "filler")
        answer = {}
        while "errorCode" not in answer:
            answer = await client.ask({"event": "publish", "data": {"event": "agent", "data": {"x": "y" * 20_000}}})
        # The second one meets a journal that is known to fail, the others perhaps what the attempt at writing said.
        answers = [answer]
        deadline = time.monotonic() + 2.5
        while time.monotonic() < deadline:
            answers.append(await client.ask({"event": "publish", "data": {"event": "agent", "data": {"x": "y" * 20_000}}}))
        texts = [answer["errorMessage"] for answer in answers] + [ready(broker)[1]]
    assert all("full" in text and str(path) not in text and "journal.sqlite" not in text for text in texts), set(texts)
    assert f"{path}/data/journal.sqlite" in broker.error_text()
    os.remove(path / "filler")
    deadline = time.monotonic() + PATIENCE
    while ready(broker)[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["journal.lock", "journal.sqlite"])
def test_a_link_in_the_directory_is_refused_and_its_target_left_as_it_is(data, tmp_path, name):
    data.mkdir(mode=0o700)
    (tmp_path / "target").write_text("precious")
    (data / name).symlink_to(tmp_path / "target")
    assert f"{data / name} is not safe to use: it is a symbolic link" in refusal(data)
    assert (tmp_path / "target").read_text() == "precious"


def test_a_directory_of_somebody_else_is_refused(data):
    if os.geteuid() != 0:
        pytest.skip("only the superuser can give a directory away")
    data.mkdir(mode=0o700)
    os.chown(data, 65534, 65534)
    assert "it belongs to user 65534, this program runs as user 0" in refusal(data)
    assert list(data.iterdir()) == []


def test_a_database_that_everybody_may_write_to_is_made_the_brokers_own(serve, data):
    serve().stop()
    (data / "journal.sqlite").chmod(0o666)
    serve()
    assert {path.stat().st_mode & 0o777 for path in data.iterdir()} == {0o600}


async def test_events_go_when_they_are_too_long(serve, data):
    """10 MB of events, of which 1 MiB may be kept; the first sweep comes after 10 seconds."""
    async with Clients(serve("--retention-bytes-per-workspace-max", str(1 << 20))) as clients:
        client = await clients.open("w")
        answer = await client.ask({"event": "subscribe", "data": "interaction", "positions": True})
        for _ in range(1_100):
            await client.send({"event": "publish", "data": {"event": "agent", "data": {"x": "y" * 9_000}}})
        await client.publish("agent", {})
        since = {"epoch": answer["epoch"], "offset": 1}
        deadline = time.monotonic() + 2 * PATIENCE
        while True:
            resuming = await clients.open("w")
            if not (await resuming.ask({"event": "subscribe", "data": "interaction", "since": since}))["recovered"]:
                break
            assert time.monotonic() < deadline
            await resuming.close()
            await asyncio.sleep(0.5)
    with closing(sqlite3.connect(data / "journal.sqlite")) as database:
        bytes_kept = database.execute("SELECT sum(length(data) + length(event)) FROM events").fetchone()[0]
    assert bytes_kept <= 1 << 20
