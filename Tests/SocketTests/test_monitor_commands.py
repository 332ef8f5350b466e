"""What monitors ask and publish for the workspaces that they name (Protocol §2.3), by other people's clients and real sockets."""

import asyncio
import json

from clients import END, Clients, assertion, event_text, publication
from raw_connection import RawConnection


def named(workspace, text):
    """A text of the broker, as it is on a monitor's connection."""
    return f'{text[:-1]},"workspaceId":"{workspace}"}}'


def response(reference, workspace, data="null"):
    return named(workspace, f'{{"referenceId":"{reference}","data":{data},{END}')


def blocked(**members):
    return {"eventType": "MARKDONE_BLOCKED", "interactionId": "1", "caseId": "1", "warningMessage": "wait", "timeout": 30000, **members}


UNBLOCKED = {"eventType": "MARKDONE_UNBLOCKED", "interactionId": "1", "caseId": "1"}


def block(workspace, reference):
    return {"request": "interaction.blockMarkdone", "parameters": ["1", "wait"], "workspaceId": workspace, "referenceId": reference}


async def test_a_bot_of_all_workspaces_blocks_and_unblocks_on_the_connection_that_brings_it_the_events(start_broker, library):
    broker = start_broker()
    async with Clients(broker, library) as clients:
        bot, agent = await clients.open("*"), await clients.open("north")
        await bot.subscribe("interaction", "markdone")
        await agent.subscribe("markdone")
        await agent.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
        event = await bot.receive_json()
        workspace, interaction = event["workspaceId"], event["data"]["interaction"]["interactionId"]

        await bot.send(block(workspace, "1"))
        assert await bot.receive() == response("1", "north")
        assert await bot.receive() == named("north", event_text("markdone", blocked()))
        assert await agent.receive() == event_text("markdone", blocked())
        answer = await agent.ask({"request": "interaction.markdone", "parameters": ["1"]})
        assert (answer["errorCode"], answer["errorMessage"]) == ("markdone_blocked", "wait")
        assert (await agent.receive_json())["data"]["eventType"] == "MARKDONE_REFUSED"
        assert (await bot.receive_json())["data"]["eventType"] == "MARKDONE_REFUSED"

        await bot.send({"request": "interaction.unblockMarkdone", "parameters": [interaction], "workspaceId": workspace, "referenceId": "2"})
        assert await bot.receive() == response("2", "north")
        assert await bot.receive() == named("north", event_text("markdone", UNBLOCKED))
        assert await agent.receive() == event_text("markdone", UNBLOCKED)
        await agent.request("interaction.markdone", "1")


async def test_blocks_of_a_monitor_are_lifted_everywhere_when_it_ends_with_a_reset(start_broker):
    broker = start_broker()
    workspaces = [f"w{number}" for number in range(12)]
    async with Clients(broker) as clients:
        agents = [await clients.open(workspace) for workspace in workspaces]
        for agent in agents:
            await agent.subscribe("markdone")
            await agent.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
        bot = RawConnection(broker.port).open("*")
        # In every workspace but the last one, which it only asks something.
        for workspace in workspaces[:-1]:
            bot.send_text(json.dumps(block(workspace, workspace)))
        bot.send_text(json.dumps({"request": "interaction.getByInteractionId", "parameters": ["2"], "workspaceId": workspaces[-1], "referenceId": workspaces[-1]}))
        assert {bot.receive_text() for _ in workspaces} == {response(workspace, workspace) for workspace in workspaces}
        bot.reset()
        for agent in agents[:-1]:
            assert await agent.receive() == event_text("markdone", blocked())
            assert await agent.receive() == event_text("markdone", UNBLOCKED)
        for agent in agents:
            await agent.request("interaction.markdone", "1")
            # Nothing came before it, in the last workspace either.
            assert (await agent.receive_json())["data"]["eventType"] == "MARKED_DONE"


async def test_messages_of_a_monitor_keep_their_order_in_each_workspace(start_broker):
    """Many at once, for workspaces of all event loops, so that reading pauses and goes on."""
    broker = start_broker()
    workspaces = [f"w{number}" for number in range(7)]
    rounds = 150
    async with Clients(broker) as clients:
        bot = await clients.open("*")
        await bot.subscribe("interaction")
        states = ["HELD", "TALKING"]

        async def send():
            for number in range(rounds):
                for workspace in workspaces:
                    state = "RINGING" if number == 0 else states[number % 2]
                    await bot.send(assertion(state, "1", f"{number}", ani=f"{number}") | {"workspaceId": workspace})

        sending = asyncio.create_task(send())
        seen = {workspace: [] for workspace in workspaces}
        for _ in range(2 * rounds * len(workspaces)):
            message = await bot.receive_json()
            assert "errorCode" not in message, message
            mark = ("event", message["data"]["interaction"]["ani"]) if "event" in message else ("answer", message["referenceId"])
            seen[message["workspaceId"]].append(mark)
        await sending
    for marks in seen.values():
        assert [mark for kind, mark in marks if kind == "answer"] == [str(number) for number in range(rounds)]
        assert [mark for kind, mark in marks if kind == "event"] == [str(number) for number in range(rounds)]
        for number in range(rounds):
            assert marks.index(("answer", str(number))) < marks.index(("event", str(number)))


async def test_a_workspace_that_left_memory_is_woken_by_a_monitor(start_broker, tmp_path):
    """After a restart nobody is connected to it; what a monitor asks is answered from the journal."""
    data = str(tmp_path)
    broker = start_broker("--data", data)
    async with Clients(broker) as clients:
        bot = await clients.open("*")
        answer = await bot.ask(assertion("IDLE", "1") | {"workspaceId": "north"})
        assert answer["workspaceId"] == "north" and "errorCode" not in answer
    broker.stop()
    broker = start_broker("--data", data)
    async with Clients(broker) as clients:
        bot = await clients.open("*")
        answer = await bot.ask({"request": "interaction.getInteractions", "workspaceId": "north"})
        assert [one["interactionId"] for one in answer["data"]] == ["1"]
        answer = await bot.ask({"request": "interaction.markdone", "parameters": ["1"], "workspaceId": "north"})
        assert answer["data"] is None
        answer = await bot.ask(publication("agent", {"late": True}))
        assert answer["errorCode"] == "workspace_required" and "workspaceId" in answer["errorMessage"]
