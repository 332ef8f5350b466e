"""Bots that break, die and freeze: what is parked then, and who is held up (Protocol §9.5). The numbers are those of issue 12."""

import asyncio

from clients import Clients, assertion
from test_cli import casebus
from test_durable import acknowledgement, join


async def fill(clients, workspace, count):
    source = await clients.open(workspace)
    maker = await clients.open(workspace)
    await join(maker, "bot", "interaction")
    await maker.close()
    for number in range(count):
        await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": f"{number}"}})
    return source


async def parked(client):
    return (await client.request("consumer.get", "bot"))["parked"]


async def test_a_connection_that_breaks_within_moments_parks_nothing(clients, workspace):
    """Before: 256 of 300 were parked."""
    async with clients:
        source = await fill(clients, workspace, 300)
        for _ in range(5):
            bot = await clients.open(workspace)
            await join(bot, "bot", "interaction")
            await bot.receive_json()
            await asyncio.sleep(0.3)
            await bot.close()
        assert await parked(source) == 0


async def test_a_bot_that_dies_of_one_event_parks_that_one(clients, workspace):
    """Before: of 100 events 10 were handled and 90 parked."""
    async with clients:
        source = await fill(clients, workspace, 100)
        handled = []
        for _ in range(6):
            bot = await clients.open(workspace)
            await join(bot, "bot", "interaction")
            while len(handled) < 99:
                event = await bot.receive_json()
                if event["data"]["interaction"]["interactionId"] == "10":
                    break
                handled.append(event["offset"])
                await bot.send(acknowledgement(event["offset"]))
            await bot.request("consumer.get", "bot")
            await bot.close()
        assert handled == [offset for offset in range(1, 101) if offset != 11]
        consumer = await source.request("consumer.get", "bot")
        assert [(event["offset"], event["reason"]) for event in consumer["workspaces"][0]["parked"]] == [(11, "session_ended")]

        # It has a way back.
        assert await source.request("consumer.redeliver", "bot", {"offset": 11}) == 1
        assert await source.request("consumer.redeliver", "bot", {"offset": 11}) == 0
        bot = await clients.open(workspace)
        await join(bot, "bot", "interaction")
        event = await bot.receive_json()
        assert event["offset"] == 11, event
        await bot.ask({**acknowledgement(11), "referenceId": "a"})
        assert await parked(source) == 0


async def test_a_frozen_session_gives_its_events_to_the_other(start_broker, workspace):
    """Before: 5 of 30 were parked although a healthy session was there."""
    broker = start_broker("--ack-timeout", "1", "--max-deliveries", "2")
    async with Clients(broker, "websockets") as clients:
        source = await fill(clients, workspace, 0)
        frozen, healthy = await clients.open(workspace), await clients.open(workspace)
        await join(frozen, "bot", "interaction")
        await join(healthy, "bot", "interaction")
        for number in range(30):
            await source.send(assertion("RINGING", f"{number}"))
        offsets = set()
        while len(offsets) < 30:
            event = await asyncio.wait_for(healthy.receive_json(), 10)
            offsets.add(event["offset"])
            await healthy.send(acknowledgement(event["offset"]))
        assert await parked(source) == 0
        # Who acknowledges nothing gets nothing new.
        for number in range(30, 40):
            await source.send(assertion("RINGING", f"{number}"))
        while len(offsets) < 40:
            event = await asyncio.wait_for(healthy.receive_json(), 10)
            offsets.add(event["offset"])
            await healthy.send(acknowledgement(event["offset"]))


async def test_a_window_that_a_frozen_session_has_does_not_hold_up_another(start_broker, workspace):
    """Before: the healthy one waited for its first event until the time of the frozen one was over."""
    broker = start_broker("--ack-timeout", "30", "--max-unacknowledged", "16")
    async with Clients(broker, "websockets") as clients:
        source = await fill(clients, workspace, 0)
        frozen = await clients.open(workspace)
        await join(frozen, "bot", "interaction")
        for number in range(64):
            await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": f"{number}"}})
        healthy = await clients.open(workspace)
        await join(healthy, "bot", "interaction")
        for _ in range(48):
            event = await asyncio.wait_for(healthy.receive_json(), 2)
            await healthy.send(acknowledgement(event["offset"]))


async def test_a_monitor_that_breaks_within_moments_parks_nothing(start_broker):
    """Before: 300 of 300 in 300 workspaces; now not even the oldest of each workspace counts."""
    broker = start_broker()
    async with Clients(broker, "websockets") as clients:
        maker = await clients.open("*")
        await join(maker, "bot", "interaction")
        await maker.close()
        for number in range(100):
            source = await clients.open(f"agent-{number}")
            for interaction in range(3):
                await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": f"{interaction}"}})
        for _ in range(5):
            bot = await clients.open("*")
            await join(bot, "bot", "interaction")
            for _ in range(300):
                await bot.receive_json()
            await bot.close()
        looker = await clients.open("*")
        assert await parked(looker) == 0


async def test_redelivered_events_survive_a_kill(start_broker, tmp_path):
    options = ("--data", str(tmp_path / "data"), "--max-deliveries", "1")
    broker = start_broker(*options)
    async with Clients(broker, "websockets") as clients:
        bot = await clients.open("*")
        await join(bot, "bot", "interaction")
        for name in ("agent-1", "agent-2"):
            source = await clients.open(name)
            await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": "1"}})
            await bot.receive_json()
            await bot.close()
            bot = await clients.open("*")
            await join(bot, "bot", "interaction")
        # What was parked is told when it is durable.
        while await parked(bot) < 2:
            await asyncio.sleep(0.02)
        await bot.close()
        looker = await clients.open("*")
        assert await looker.request("consumer.redeliver", "bot", {"workspaceId": "agent-1"}) == 1
        assert await parked(looker) == 1
        broker.process.kill()
        broker.wait()
        broker.process.returncode = 0
    broker = start_broker(*options)
    async with Clients(broker, "websockets") as clients:
        bot = await clients.open("*")
        await join(bot, "bot", "interaction")
        event = await asyncio.wait_for(bot.receive_json(), 10)
        assert (event["workspaceId"], event["offset"]) == ("agent-1", 1), event
        await bot.ask({**acknowledgement(1, "agent-1"), "referenceId": "a"})
        assert await bot.request("consumer.redeliver", "bot", {}) == 1
        event = await asyncio.wait_for(bot.receive_json(), 10)
        assert (event["workspaceId"], event["offset"]) == ("agent-2", 1), event


async def test_looking_at_one_event_parks_nothing(broker, workspace):
    """Before: five looks parked all of 20."""
    on = ("--url", broker.url, "--workspace", workspace)
    async with Clients(broker, "websockets") as clients:
        source = await fill(clients, workspace, 20)
        for _ in range(12):
            look = await asyncio.to_thread(casebus, "subscribe", *on, "--events", "interaction", "--durable", "bot", "--count", "1")
            assert look.returncode == 0, look.stderr
        assert await parked(source) == 0
        assert (await asyncio.to_thread(casebus, "consumer", "redeliver", *on, "bot")).stdout == "0\n"
