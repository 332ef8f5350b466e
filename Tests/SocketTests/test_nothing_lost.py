"""The programs of Docs/concepts/nothing-lost.md, as they stand there, with connections that are cut."""

import asyncio
import json
import re
import subprocess
import sys

from broker_process import PATIENCE, REPOSITORY, BrokerProcess, read_line
from clients import Clients

PAGE = REPOSITORY / "Docs" / "concepts" / "nothing-lost.md"
WATCHER, BOT = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


class Wire:
    """A TCP relay in front of a broker, which can be cut: then all connections end, without a close frame."""

    def __init__(self, broker):
        self.broker = broker
        self.connections = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.relay, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/v2"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.cut()

    async def relay(self, reader, writer):
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.broker.port)
        self.connections += [writer, far_writer]
        await asyncio.gather(self.copy(reader, far_writer), self.copy(far_reader, writer), return_exceptions=True)

    @staticmethod
    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    def cut(self):
        for writer in self.connections:
            writer.transport.abort()
        self.connections = []


class Program:
    """A program of the page, on a workspace of the test's own."""

    def __init__(self, source, url, workspace):
        source, replaced = re.subn(r"ws://[^\"'?]*", f"{url}?workspace={workspace}", source)
        assert replaced == 1
        self.process = subprocess.Popen([sys.executable, "-u", "-c", source], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    async def line(self):
        return await asyncio.to_thread(read_line, self.process)

    async def message(self):
        return json.loads(await self.line())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


async def test_the_watcher_of_the_page_goes_on_where_its_connection_was_cut(broker, workspace):
    async with Wire(broker) as wire, Clients(broker) as clients:
        source = await clients.open(workspace)
        with Program(WATCHER, wire.url, workspace) as watcher:
            answer = await watcher.message()
            assert answer["offset"] == 0 and "recovered" not in answer
            offset = 0
            for _ in range(3):
                await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": "1"}})
                offset += 1
                assert (await watcher.message())["offset"] == offset
                wire.cut()
                await source.publish("interaction", {"eventType": "TALKING", "interaction": {"interactionId": "1"}})
                await source.publish("interaction", {"eventType": "ERROR", "interaction": {"interactionId": "1"}})
                assert (await watcher.message())["recovered"] is True
                assert [(await watcher.message())["offset"] for _ in range(2)] == [offset + 1, offset + 2]
                offset += 2


async def test_the_watcher_of_the_page_goes_on_when_the_broker_was_killed(start_broker, tmp_path):
    killed = BrokerProcess("--data", str(tmp_path / "journal"))
    with Program(WATCHER, killed.url, "w") as watcher:
        await watcher.message()
        async with Clients(killed) as clients:
            source = await clients.open("w")
            for number, state in enumerate(["RINGING", "TALKING"], 1):
                await source.publish("interaction", {"eventType": state, "interaction": {"interactionId": "1"}})
                assert (await watcher.message())["offset"] == number
            killed.kill()
        broker = start_broker("--data", str(tmp_path / "journal"), "--port", str(killed.port))
        async with Clients(broker) as clients:
            await (await clients.open("w")).publish("interaction", {"eventType": "HELD", "interaction": {"interactionId": "1"}})
        assert (await watcher.message())["recovered"] is True
        event = await watcher.message()
        assert event["offset"] == 3 and event["data"]["interaction"]["previousState"] == "TALKING"


async def test_the_bot_of_the_page_misses_nothing_and_acknowledges_what_is_done(broker, workspace):
    async with Wire(broker) as wire, Clients(broker) as clients:
        source = await clients.open(workspace)
        with Program(BOT, wire.url, workspace) as bot:
            await until(lambda: consumer(source), lambda answer: answer.get("data", {}).get("sessions") == 1)
            await mark_done(source, "1")
            assert await bot.line() == "to the CRM: 1 COMPLETED\n"
            await until(lambda: consumer(source), is_done)
            wire.cut()
            await mark_done(source, "2")
            assert await bot.line() == "to the CRM: 2 COMPLETED\n"
            await until(lambda: consumer(source), is_done)
        await mark_done(source, "3")
        with Program(BOT, wire.url, workspace) as bot:
            assert await bot.line() == "to the CRM: 3 COMPLETED\n"
            done = await until(lambda: consumer(source), is_done)
            assert done["data"]["parked"] == 0


async def consumer(client):
    return await client.ask({"request": "consumer.get", "parameters": ["crm-bot"]})


def is_done(answer):
    """Everything is acknowledged: if not, it would rightly come again."""
    return answer["data"]["backlog"] == 0


async def mark_done(source, interaction_id):
    await source.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": interaction_id}})
    await source.request("interaction.markdone", interaction_id)


async def until(ask, is_enough):
    """Asks until the answer is as it should be."""
    async with asyncio.timeout(PATIENCE):
        while not is_enough(answer := await ask()):
            await asyncio.sleep(0.01)
    return answer


async def test_the_bot_of_the_page_ends_when_its_consumer_is_deleted(broker, workspace):
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        with Program(BOT, broker.url, workspace) as bot:
            await until(lambda: consumer(client), lambda answer: answer.get("data", {}).get("sessions") == 1)
            await client.request("consumer.delete", "crm-bot")
            assert await asyncio.to_thread(bot.process.wait, PATIENCE) == 1
            assert "4502" in bot.process.stderr.read().decode()
