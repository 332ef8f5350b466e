"""Durable consumers over sockets: several event loops, a broker that is killed, bots that come and go (Protocol §9.3)."""

import asyncio
import json
import signal

from clients import Clients, assertion


def durable(name, *names, **more):
    return {"event": "subscribe", "data": list(names), "durable": name, **more}


def acknowledgement(offset, workspace=None):
    data = {"offset": offset} if workspace is None else {"workspaceId": workspace, "offset": offset}
    return {"event": "ack", "data": data}


async def join(client, name, *names, **more):
    answer = await client.ask(durable(name, *names, **more))
    assert answer.get("durable") == name, answer
    return answer


async def work(client, count, *, is_monitor=False, acknowledges=True):
    """Takes so many events and acknowledges each; gives (workspace, offset, delivery) of each, in order."""
    taken = []
    while len(taken) < count:
        event = await client.receive_json()
        assert "event" in event, event
        taken.append((event.get("workspaceId"), event["offset"], event.get("delivery", 1)))
        if acknowledges:
            await client.send(acknowledgement(event["offset"], event["workspaceId"] if is_monitor else None))
    return taken


async def test_a_bot_that_comes_back_gets_what_it_missed_once(clients, workspace):
    async with clients:
        source = await clients.open(workspace)
        bot = await clients.open(workspace)
        await join(bot, "bot", "interaction")
        for number in range(50):
            await source.send(assertion("RINGING", f"{number}"))
        await work(bot, 20)
        await bot.request("interaction.getInteractions")
        await bot.close()
        for number in range(50, 100):
            await source.send(assertion("RINGING", f"{number}"))
        bot = await clients.open(workspace)
        await join(bot, "bot", "interaction")
        assert [offset for _, offset, _ in await work(bot, 80)] == list(range(21, 101))


async def test_sessions_share_the_interactions(clients, workspace):
    async with clients:
        source = await clients.open(workspace)
        bots = [await clients.open(workspace) for _ in range(4)]
        for bot in bots:
            await join(bot, "bot", "interaction")
        seen = {}

        async def listen(bot):
            while True:
                event = await bot.receive_json()
                seen.setdefault(event["data"]["interaction"]["interactionId"], []).append((bots.index(bot), event["offset"]))
                await bot.send(acknowledgement(event["offset"]))

        listeners = [asyncio.create_task(listen(bot)) for bot in bots]
        for state in ("RINGING", "TALKING", "HELD", "TALKING", "HELD"):
            for number in range(40):
                await source.publish("interaction", {"eventType": state, "interaction": {"interactionId": f"{number}"}})
        while sum(map(len, seen.values())) < 200:
            await asyncio.sleep(0.01)
        for listener in listeners:
            listener.cancel()
        assert {len({bot for bot, _ in given}) for given in seen.values()} == {1}
        assert all([offset for _, offset in given] == sorted(offset for _, offset in given) for given in seen.values())
        assert {bot for given in seen.values() for bot, _ in given} == {0, 1, 2, 3}


async def test_a_bot_of_all_workspaces_gets_everything_of_every_event_loop(start_broker):
    broker = start_broker("--spanning-unacknowledged-max", "16")
    async with Clients(broker, "websockets") as clients:
        bots = [await clients.open("*") for _ in range(2)]
        for bot in bots:
            await join(bot, "watch", "interaction")
        sources = {name: await clients.open(name) for name in (f"agent-{number}" for number in range(40))}
        for number in range(25):
            for source in sources.values():
                await source.send(assertion("RINGING", f"{number}"))
        taken = []

        async def listen(bot):
            while True:
                taken.extend(await work(bot, 1, is_monitor=True))

        listeners = [asyncio.create_task(listen(bot)) for bot in bots]
        while len(taken) < 1000:
            await asyncio.sleep(0.01)
        for listener in listeners:
            listener.cancel()
        assert sorted(taken) == sorted((name, offset, 1) for name in sources for offset in range(1, 26))
        answer = await (await clients.open("*")).request("consumer.get", "watch")
        assert (answer["backlog"], answer["unacknowledged"], answer["sessions"]) == (0, 0, 2)


async def test_nothing_acknowledged_comes_again_after_the_broker_is_killed(start_broker, tmp_path):
    names = [f"agent-{number}" for number in range(10)]
    broker = start_broker("--data", str(tmp_path / "data"))
    async with Clients(broker, "websockets") as clients:
        bot = await clients.open("*")
        await join(bot, "watch", "interaction")
        for name in names:
            source = await clients.open(name)
            for number in range(10):
                await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": f"{number}"}})
        taken = await work(bot, 100, is_monitor=True, acknowledges=False)
        for name in names:
            answer = await bot.ask(acknowledgement(5, name))
            assert answer.get("data", "missing") is None, answer
        broker.signal(signal.SIGKILL)
        broker.wait()
        broker.process.returncode = 0
    assert len(taken) == 100
    broker = start_broker("--data", str(tmp_path / "data"))
    async with Clients(broker, "websockets") as clients:
        bot = await clients.open("*")
        await join(bot, "watch", "interaction")
        again = await work(bot, 50, is_monitor=True)
        assert sorted(again) == [(name, offset, 1) for name in names for offset in range(6, 11)]
        consumer = await bot.request("consumer.get", "watch")
        assert consumer["workspaces"] == [] and consumer["sessions"] == 1, consumer


async def test_an_event_comes_again_after_the_timeout_and_is_parked(start_broker, workspace):
    broker = start_broker("--ack-timeout", "1", "--max-deliveries", "2")
    async with Clients(broker, "websockets") as clients:
        bot = await clients.open(workspace)
        await join(bot, "bot", "agent")
        await bot.send({"event": "publish", "data": {"event": "agent", "data": {}}})
        assert await work(bot, 2, acknowledges=False) == [(None, 1, 1), (None, 1, 2)]
        while not (consumer := await bot.request("consumer.get", "bot"))["parked"]:
            await asyncio.sleep(0.05)
        parked = consumer["workspaces"][0]["parked"][0]
        assert (parked["offset"], parked["deliveries"], consumer["position"]) == (1, 2, 1)
        assert json.dumps(consumer).count("parked") == 2
