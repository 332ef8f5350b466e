"""A broker on a machine whose clock is set while it runs, or while it does not."""

import asyncio
import json
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
from clients import Clients, assertion
from test_journal import journal

DAY = 86_400


@pytest.fixture(scope="session")
def preloaded(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("clock") / "stepped_clock.so"
    source = Path(__file__).with_name("stepped_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source], check=True)
    return library


@pytest.fixture
def set_clock(tmp_path):
    """Sets the wall clock of the test's brokers, seconds from the right time."""
    path = tmp_path / "clock"
    path.write_bytes(struct.pack("=q", 0))

    def step(seconds):
        with open(path, "r+b") as file:
            file.write(struct.pack("=q", seconds))

    step.path = path
    return step


@pytest.fixture
def serve(preloaded, set_clock, start_broker, monkeypatch, tmp_path):
    def start(*options):
        with monkeypatch.context() as environment:
            environment.setenv("LD_PRELOAD", str(preloaded))
            environment.setenv("STEPPED_CLOCK", str(set_clock.path))
            return start_broker("--data", str(tmp_path / "data"), *options)

    return start


async def block(client, interaction_id="1"):
    await client.publish("interaction", assertion("IDLE", interaction_id)["data"]["data"])
    await client.request("interaction.blockMarkdone", interaction_id, "not yet")


async def event_of_type(client, event_type):
    while (message := await client.receive_json()).get("data", {}).get("eventType") != event_type:
        pass
    return message


@pytest.mark.parametrize("step", [-20, -DAY])
async def test_a_block_stands_no_longer_when_the_clock_is_set_back(serve, set_clock, step):
    async with Clients(serve("--block-markdone-timeout", "1500")) as clients:
        client = await clients.open("w")
        await client.subscribe("markdone")
        await block(client)
        start = time.monotonic()
        set_clock(step)
        await event_of_type(client, "MARKDONE_BLOCK_EXPIRED")
        assert 1.3 < time.monotonic() - start < 4


async def test_a_block_does_not_end_when_the_clock_is_set_forward(serve, set_clock):
    async with Clients(serve("--block-markdone-timeout", "20000")) as clients:
        client = await clients.open("w")
        await client.subscribe("markdone")
        await block(client)
        set_clock(DAY)
        await asyncio.sleep(0.3)
        await client.ask({"request": "interaction.markdone", "parameters": ["1"]})
        assert 15_000 < (await event_of_type(client, "MARKDONE_REFUSED"))["data"]["remaining"] <= 20_000


async def test_after_a_restart_a_block_stands_no_longer_than_it_was_asked_to(serve, set_clock):
    options = ["--block-markdone-timeout", "20000"]
    broker = serve(*options)
    async with Clients(broker) as clients:
        await block(await clients.open("w"))
        broker.signal(9)
        broker.wait()
        broker.process.returncode = 0  # It was meant.
    set_clock(-DAY)
    async with Clients(serve(*options)) as clients:
        client = await clients.open("w")
        await client.subscribe("markdone")
        await client.ask({"request": "interaction.markdone", "parameters": ["1"]})
        assert 0 < (await event_of_type(client, "MARKDONE_REFUSED"))["data"]["remaining"] <= 20_000


@pytest.mark.parametrize("step", [-DAY, DAY])
async def test_the_same_message_is_carried_out_once(serve, set_clock, step):
    async with Clients(serve()) as clients:
        client = await clients.open("w")
        listener = await clients.open("w")
        await listener.subscribe("agent")
        message = {"event": "publish", "data": {"event": "agent", "data": {"n": 1}}, "messageId": "m"}
        await client.ask(message)
        set_clock(step)
        await asyncio.sleep(0.3)
        await client.ask(message)
        await client.publish("agent", {"n": 2})
        assert [(await listener.receive_json())["data"]["n"] for _ in range(2)] == [1, 2]


async def test_an_event_is_given_again_in_time_when_the_clock_is_set_back(serve, set_clock):
    async with Clients(serve("--ack-timeout", "1")) as clients:
        bot = await clients.open("w")
        await bot.ask({"event": "subscribe", "data": ["agent"], "durable": "bot"})
        await (await clients.open("w")).publish("agent", {"n": 1})
        assert "delivery" not in await bot.receive_json()
        start = time.monotonic()
        set_clock(-20)
        assert (await bot.receive_json())["delivery"] == 2
        assert 0.8 < time.monotonic() - start < 4


async def test_the_times_of_events_never_go_back(serve, set_clock, tmp_path):
    broker = serve()
    async with Clients(broker) as clients:
        client = await clients.open("w")
        for step in [0, -DAY, -3 * DAY, DAY]:
            set_clock(step)
            await asyncio.sleep(0.15)
            await client.publish("agent", {"step": step})
    broker.stop()
    entries = [json.loads(line) for line in journal("tail", tmp_path / "data").stdout.splitlines()]
    times = [entry["time"] for entry in entries]
    assert len(times) == 4 and times == sorted(times) and times[-1] - times[0] < 60_000
