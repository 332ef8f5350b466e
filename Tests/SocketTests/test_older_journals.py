"""A journal that an older broker wrote opens: the same state, the same events, and it goes on from there.

The files are in Tests/CasebusJournalTests/Journals, one of each older schema that differs in what the broker writes (schemas 1 and 2 have the
same events as 3, and are made of it here). One is made with
CASEBUS_WRITE_JOURNAL=1 CASEBUS_BINARY=… python -m pytest Tests/SocketTests/test_older_journals.py -k write; it is made once, by the version
whose schema it has, and never again.
"""

import asyncio
import json
import os
import shutil
import sqlite3
import time

import pytest
from broker_process import REPOSITORY, BrokerProcess
from clients import Clients, assertion
from test_cli import casebus

JOURNALS = REPOSITORY / "Tests" / "CasebusJournalTests" / "Journals"
# Both the blocks that are lifted and the one that is left alone stand for so long.
BLOCK_MILLISECONDS = 1500
WRITES = "CASEBUS_WRITE_JOURNAL" in os.environ


async def say(client, state, interaction_id, **attributes):
    answer = await client.ask(assertion(state, interaction_id, **attributes))
    assert "errorCode" not in answer, answer


async def live_first(broker):
    async with Clients(broker) as clients:
        source = await clients.open("left")
        await say(source, "RINGING", "1", callUuid="u-1")
        await source.request("interaction.selectCaseByCaseId", "1")


async def live_on(broker):
    """Every kind of event is decided."""
    async with Clients(broker) as clients:
        source, agent, bot, watcher = [await clients.open("whole") for _ in range(4)]
        await watcher.subscribe("markdone")

        # Without an interactionUUID, which clients see filled in.
        await say(source, "RINGING", "1", callUuid="u-1", parties=[{"name": "Ä"}])
        await say(source, "TALKING", "1", userData={"Segment": "gold"})
        await say(source, "RINGING", "2", caseId="c")
        await agent.request("interaction.setUserData", "2", {"first": 1})
        await agent.request("interaction.setUserData", "2", {"second": {"deep": [None]}})
        await agent.request("interaction.deleteUserData", "2", "first")
        await agent.request("interaction.selectCaseByCaseId", "1")
        await agent.request("interaction.selectCaseByCaseId", "c")
        for event in ["agent", "media", "outbound", "system"]:
            # What looks like an event of another kind is none.
            await source.publish(event, {"eventType": "MARKED_DONE", "interaction": {"interactionId": "9"}})
        await say(source, "IDLE", "1")
        await bot.request("interaction.blockMarkdone", "1", "not \"yet\"")
        refused = await agent.ask({"request": "interaction.markdone", "parameters": ["1"]})
        assert refused["errorCode"] == "markdone_blocked", refused
        await bot.request("interaction.unblockMarkdone", "1")
        await bot.request("interaction.blockMarkdone", "1", "too late")
        while json.loads(await watcher.receive())["data"]["eventType"] != "MARKDONE_BLOCK_EXPIRED":
            pass
        await agent.request("interaction.markdone", "1")
        await say(source, "IDLE", "3")
        await say(source, "COMPLETED", "3")
        await say(source, "DIALING", "4", callUuid="u-4", interactionUUID="i-4")

        await say(await clients.open("left"), "TALKING", "1")


def live(data):
    """Two lives of a broker. The file that is kept has a snapshot of `left`, which takes a minute, and of `whole` only events."""
    broker = start(data)
    asyncio.run(live_first(broker))
    while WRITES and not rows(data, "SELECT 1 FROM snapshots"):
        time.sleep(1)
    broker.stop()
    broker = start(data)
    try:
        asyncio.run(live_on(broker))
    finally:
        broker.kill()


def start(data):
    return BrokerProcess("--data", str(data), "--block-markdone-timeout", str(BLOCK_MILLISECONDS))


def rows(data, query):
    with sqlite3.connect(f"file:{data}/journal.sqlite?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def journal(command, data, text=None):
    result = casebus("journal", command, "--data", str(data), text=text)
    assert result.returncode == 0, result
    return result.stdout


def exported(data):
    return [json.loads(line) for line in journal("export", data).splitlines()]


def events(lines):
    """What clients are given; how long a refused mark done has to wait is never twice the same."""
    seen = [(line["workspace"], line["offset"], line["event"], line["data"]) for line in lines if line["type"] == "event"]
    for *_, data in seen:
        data.pop("remaining", None)
    return seen


async def states(broker):
    async with Clients(broker) as clients:
        return {name: await (await clients.open(name)).request("interaction.getInteractions") for name in ["whole", "left"]}


@pytest.fixture(scope="module")
def today(tmp_path_factory):
    """What the broker of today makes of the same two lives."""
    data = tmp_path_factory.mktemp("today") / "data"
    live(data)
    return data


@pytest.mark.skipif(not WRITES, reason="writes the file of this schema")
def test_write_the_file_of_this_schema(today):
    with sqlite3.connect(today / "journal.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    [(version,)] = rows(today, "PRAGMA user_version")
    shutil.copy(today / "journal.sqlite", JOURNALS / f"broker-schema-{version}.sqlite")


# What takes a file of schema 3 back: the opposite of the migrations.
BACK_TO = {
    2: "ALTER TABLE parked DROP COLUMN reason; ALTER TABLE parked DROP COLUMN again;",
    1: "ALTER TABLE workspaces DROP COLUMN generation; ALTER TABLE snapshots DROP COLUMN isEmpty; ALTER TABLE events DROP COLUMN total;",
}


@pytest.fixture(params=[1, 2, 3], ids="schema {}".format)
def older(request, tmp_path):
    """The directory of a broker that has just been brought up to date."""
    data = tmp_path / "older"
    data.mkdir()
    shutil.copy(JOURNALS / "broker-schema-3.sqlite", data / "journal.sqlite")
    with sqlite3.connect(data / "journal.sqlite") as connection:
        for version in range(2, request.param - 1, -1):
            connection.executescript(f"{BACK_TO[version]} PRAGMA user_version = {version};")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return data


async def test_an_older_journal_opens_and_goes_on(older, today):
    assert "as it should be" in journal("verify", older)
    before = exported(older)
    broker, new = start(older), start(today)
    try:
        assert await states(broker) == await states(new)
        async with Clients(broker) as clients:
            source = await clients.open("whole")
            await say(source, "TALKING", "4")
            await source.request("interaction.setUserData", "4", {"a": 1})
    finally:
        broker.stop()
        new.stop()
    assert "as it should be" in journal("verify", older)
    after = exported(older)
    old = [line for line in before if line["type"] == "event"]
    assert [line for line in after if line["type"] == "event" and "kind" not in line] == old
    assert events(before) == events(exported(today))
    assert [(line["offset"], line["kind"]) for line in after if "kind" in line] == [(30, "interaction"), (31, "userData")]


async def test_events_of_an_older_journal_are_given_again(older):
    """A durable consumer reads the events of before from the file, and what they belong to."""
    expected = [(data["eventType"], offset) for workspace, offset, name, data in events(exported(older)) if (workspace, name) == ("whole", "markdone")]
    broker = start(older)
    try:
        async with Clients(broker) as clients:
            bot = await clients.open("whole")
            answer = await bot.ask({"event": "subscribe", "data": "markdone", "durable": "bot", "since": "beginning"})
            assert "subscriptionId" in answer, answer
            given = []
            for _ in expected:
                message = await bot.receive_json()
                given.append((message["data"]["eventType"], message["offset"]))
                await bot.send({"event": "ack", "data": {"offset": message["offset"]}})
            assert given == expected
    finally:
        broker.stop()


async def test_an_export_with_and_without_kinds_is_imported(older, today, tmp_path):
    for name, data in [("old", older), ("new", today)]:
        text = journal("export", data)
        assert ('"kind":"markdoneRefused"' in text) == (name == "new")
        journal("import", tmp_path / name, text=text)
        assert "as it should be" in journal("verify", tmp_path / name)
        assert journal("export", tmp_path / name).splitlines()[1:] == text.splitlines()[1:]
    old, new = start(tmp_path / "old"), start(tmp_path / "new")
    try:
        assert await states(old) == await states(new)
    finally:
        old.stop()
        new.stop()


def test_every_record_of_today_has_a_kind(today):
    kinds = {line.get("kind") for line in exported(today) if line["type"] == "event"}
    assert kinds == {"interaction", "userData", "case", "blocked", "unblocked", "blockExpired", "markdoneRefused", "markedDone", "relayed"}
