"""What sessions see of each other (Protocol §2.3, §2.5, §4.4)."""

import asyncio
import json

import pytest
from clients import Clients, assertion, event_text, publication, response_text
from raw_connection import CLOSE, RawConnection

THE_END = event_text("messenger:the-end", '"now"')


async def end(client):
    """Everybody who subscribed to the end gets it behind all that was published before (§4.4.3)."""
    await client.publish("messenger:the-end", "now")


def marked(texts):
    """The marks of relayed events, by their source, in order."""
    marks = {}
    for text in texts:
        message = json.loads(text)
        if message.get("event") == "agent":
            marks.setdefault(message["data"]["source"], []).append(message["data"]["number"])
    return marks


async def work(source, name, rounds):
    """Publishes and asks without waiting; then reads all answers. Every round makes 8 events."""
    for number in range(rounds):
        interaction = f"{name}-{number}"
        await source.send(publication("agent", {"source": name, "number": 2 * number}))
        await source.send(assertion("RINGING", interaction))
        await source.send(assertion("TALKING", interaction, ani="é" * 20))
        await source.send(assertion("IDLE", interaction))
        await source.send(publication("agent", {"source": name, "number": 2 * number + 1}, f"a{number}"))
        await source.send({"request": "interaction.markdone", "parameters": [interaction], "referenceId": f"m{number}"})
    for number in range(rounds):
        assert await source.receive() == response_text(f"a{number}")
        assert await source.receive() == response_text(f"m{number}")


async def publish_until(stop, source):
    """Publishes numbers one after the other, without a pause, until the asyncio.Event; then the end."""
    number = 0
    while not stop.is_set():
        await source.publish("agent", {"source": "s", "number": number})
        number += 1
    await end(source)


def assert_markdone_is_one_block(texts):
    """§4.4.6: nothing in between, although others publish all the time."""
    events = [json.loads(text)["data"] for text in texts]
    for index, data in enumerate(events):
        if data.get("eventType") == "MARKED_DONE":
            block = events[index + 1 : index + 3]
            assert [other["eventType"] for other in block] == ["COMPLETED", "CASE_CLOSED"]
            assert block[0]["interaction"]["interactionId"] == data["interactionId"] == block[1]["caseId"]


async def test_fifty_sessions_see_one_sequence(broker, workspace):
    sources, rounds = 6, 30
    async with Clients(broker) as clients:
        viewers = await clients.open_many(workspace, 50)
        await asyncio.gather(*(viewer.subscribe("interaction", "markdone", "agent", "messenger:the-end") for viewer in viewers))
        publishers = await clients.open_many(workspace, sources)
        reading = [asyncio.create_task(viewer.until(THE_END)) for viewer in viewers]
        await asyncio.gather(*(work(source, f"s{index}", rounds) for index, source in enumerate(publishers)))
        await end(publishers[0])
        sequences = await asyncio.gather(*reading)
    first = sequences[0]
    assert len(first) == sources * rounds * 8 >= 1000
    for index, sequence in enumerate(sequences):
        assert sequence == first, f"viewer {index} sees another sequence"
    assert marked(first) == {f"s{index}": list(range(2 * rounds)) for index in range(sources)}
    assert len(set(first)) == len(first), "an event came twice"
    assert_markdone_is_one_block(first)


async def test_two_workspaces_never_see_each_others_events(clients, new_workspace):
    workspaces = [new_workspace(), new_workspace()]
    async with clients:
        viewers = [await clients.open(workspace) for workspace in workspaces for _ in range(5)]
        await asyncio.gather(*(viewer.subscribe("interaction", "markdone", "agent", "messenger:the-end") for viewer in viewers))
        sources = [await clients.open(workspace) for workspace in workspaces]
        # The same source name: the same ids of interactions in both.
        await asyncio.gather(work(sources[0], "s", 20), work(sources[1], "s", 30))
        # In the first, one case is selected; in the second, a block stands.
        await sources[0].publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": "1"}})
        await sources[0].request("interaction.selectCaseByCaseId", "1")
        await sources[1].publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
        await sources[1].request("interaction.blockMarkdone", "1", "wait")
        assert [(await source.request("interaction.getInteractions"))[0]["state"] for source in sources] == ["RINGING", "IDLE"]
        for source in sources:
            await end(source)
        sequences = [await viewer.until(THE_END) for viewer in viewers]
    assert [len(sequence) for sequence in sequences] == 5 * [20 * 8 + 3] + 5 * [30 * 8 + 2]
    assert [marked(sequence)["s"][-1] for sequence in sequences] == 5 * [39] + 5 * [59]
    assert all("CASE_SELECTED" in sequence[-1] for sequence in sequences[:5])
    assert all("MARKDONE_BLOCKED" in sequence[-1] for sequence in sequences[5:])


async def test_a_response_comes_before_the_events_it_caused(clients, workspace):
    async with clients:
        session, other, noise = [await clients.open(workspace) for _ in range(3)]
        # Two subscriptions that overlap: an event still comes once, and not before the answer.
        for client in (session, other):
            await client.subscribe("interaction", "markdone", "messenger:the-end")
            await client.subscribe("interaction", "agent")
        commands = []
        for number in range(60):
            commands += [
                assertion("IDLE", f"i{number}", f"{number}.publish"),
                {"request": "interaction.selectCaseByCaseId", "parameters": [f"i{number}"], "referenceId": f"{number}.select"},
                {"request": "interaction.blockMarkdone", "parameters": [f"i{number}", "w"], "referenceId": f"{number}.block"},
                {"request": "interaction.markdone", "parameters": [f"i{number}"], "referenceId": f"{number}.refused"},
                {"request": "interaction.unblockMarkdone", "parameters": [f"i{number}"], "referenceId": f"{number}.unblock"},
                {"request": "interaction.markdone", "parameters": [f"i{number}"], "referenceId": f"{number}.done"},
            ]
        making_noise = asyncio.create_task(work(noise, "noise", 40))
        for command in commands:
            await session.send(command)
        await making_noise
        last = response_text("59.done")
        texts = [*await session.until(last), last]  # all commands are taken
        await end(noise)
        texts += await session.until(THE_END)
        assert await other.until(THE_END) == [text for text in texts if '"event"' in text]
    own = [json.loads(text) for text in texts]
    own = [message for message in own if "noise" not in json.dumps(message)]
    shown = [message.get("referenceId") or message["data"]["eventType"] for message in own]
    expected = []
    for number in range(60):
        expected += [f"{number}.publish", "IDLE", f"{number}.select", "CASE_EXPANDED", "CASE_SELECTED", f"{number}.block", "MARKDONE_BLOCKED"]
        expected += [f"{number}.refused", "MARKDONE_REFUSED", f"{number}.unblock", "MARKDONE_UNBLOCKED"]
        expected += [f"{number}.done", "MARKED_DONE", "COMPLETED", "CASE_CLOSED"]
    assert shown == expected


async def test_messages_of_one_session_are_answered_in_their_order(clients, workspace):
    """§4.4.1: also those that nobody needs to decide on, behind those that the workspace decides on."""
    messages, expected = [], []
    for number in range(40):
        messages += [
            {"request": "interaction.getInteractions", "referenceId": f"{number}.get"},
            {"referenceId": f"{number}.invalid"},
            assertion("RINGING", f"i{number}", f"{number}.publish"),
            {"event": "hello", "referenceId": f"{number}.unknown"},
            {"request": "interaction.getInteractions", "protocolVersion": 3, "referenceId": f"{number}.version"},
            {"event": "subscribe", "data": "media", "referenceId": f"{number}.subscribe"},
        ]
        expected += [message["referenceId"] if "referenceId" in message else message["data"] for message in messages[-6:]]
    messages += ["not JSON", {"request": "system.getAllowedServices", "referenceId": "last"}]
    async with clients:
        session = await clients.open(workspace)
        for message in messages:
            await session.send(message)
        received = [await session.receive_json() for _ in messages]
    assert [message.get("referenceId") for message in received] == [*expected, None, "last"]
    assert received[-2]["errorCode"] == "malformed_message"


async def test_what_was_asked_is_answered_before_the_session_is_closed_for_malformed_messages(clients, workspace):
    async with clients:
        session = await clients.open(workspace)
        for number in range(10):
            await session.send({"request": "interaction.getInteractions", "referenceId": f"{number}"})
            await session.send("not JSON")
        closed, texts = await session.closed()
    assert closed.code == 4500
    references = [json.loads(text).get("referenceId") for text in texts]
    assert references == [reference for number in range(10) for reference in (f"{number}", None)]


async def test_a_session_that_subscribed_twice_gets_an_event_once(clients, workspace):
    async with clients:
        session = await clients.open(workspace)
        ids = [await session.subscribe("agent", "messenger:the-end"), await session.subscribe("agent"), await session.subscribe("agent", "media")]
        assert len(set(ids)) == 3
        other = await clients.open(workspace)
        for number in range(3):
            await other.publish("agent", {"number": number})
            answer = await session.ask({"event": "unsubscribe", "data": ids[2 - number]})
            assert answer["data"] is None
        await other.publish("agent", {"number": 3})
        assert [await session.receive() for _ in range(3)] == [event_text("agent", {"number": number}) for number in range(3)]
        assert await session.request("interaction.getInteractions") == []
        assert not session.waiting, "an event came twice, or after the last unsubscribe"


async def test_unsubscribe_stops_events_at_its_answer(clients, workspace):
    """§4.4.5, while another session publishes without a pause."""
    stop = asyncio.Event()
    async with clients:
        source, leaving, staying = [await clients.open(workspace) for _ in range(3)]
        subscription = await leaving.subscribe("agent")
        await staying.subscribe("agent", "messenger:the-end")
        publishing = asyncio.create_task(publish_until(stop, source))
        before = [await leaving.receive() for _ in range(10)]
        await leaving.send({"event": "unsubscribe", "data": subscription, "referenceId": "stop"})
        before += await leaving.until(response_text("stop"))
        seen = [await staying.receive() for _ in range(len(before) + 50)]
        stop.set()
        await publishing
        seen += await staying.until(THE_END)
        await leaving.send({"request": "interaction.getInteractions", "referenceId": "after"})
        assert await leaving.receive() == response_text("after", "[]")
    assert before == seen[: len(before)]
    assert marked(seen) == {"s": list(range(len(seen)))}


async def test_a_late_subscriber_sees_only_what_comes_later(clients, workspace):
    stop = asyncio.Event()
    async with clients:
        source, early, late = [await clients.open(workspace) for _ in range(3)]
        await source.publish("interaction", {"eventType": "RINGING", "interaction": {"interactionId": "before"}})
        await early.subscribe("interaction", "agent", "messenger:the-end")
        publishing = asyncio.create_task(publish_until(stop, source))
        seen = [await early.receive() for _ in range(20)]
        await late.send({"event": "subscribe", "data": ["interaction", "agent", "messenger:the-end"]})
        assert "subscriptionId" in await late.receive_json(), "an event came before the answer"
        later = [await late.receive() for _ in range(50)]
        stop.set()
        await publishing
        seen += await early.until(THE_END)
        later += await late.until(THE_END)
        # The state from before is there to be asked for.
        assert [one["interactionId"] for one in await late.request("interaction.getInteractions")] == ["before"]
    assert 50 <= len(later) <= len(seen) - 20
    assert later == seen[-len(later) :], "not one unbroken end of the sequence"


async def test_a_monitor_sees_all_workspaces_each_in_its_order(clients, new_workspace):
    workspaces = [new_workspace() for _ in range(5)]
    async with clients:
        monitor = await clients.open("*")
        await monitor.subscribe("interaction", "markdone", "agent", "messenger:the-end")
        viewers = [await clients.open(workspace) for workspace in workspaces]
        await asyncio.gather(*(viewer.subscribe("interaction", "markdone", "agent", "messenger:the-end") for viewer in viewers))
        sources = [await clients.open(workspace) for workspace in workspaces]
        await asyncio.gather(*(work(source, f"s{index}", 15) for index, source in enumerate(sources)))
        for source in sources:
            await end(source)
        seen = {workspace: await viewer.until(THE_END) for workspace, viewer in zip(workspaces, viewers)}
        shown = {workspace: [] for workspace in workspaces}
        missing = set(workspaces)
        while missing:
            text = await monitor.receive()
            own = json.loads(text)["workspaceId"]
            if own not in shown:
                continue  # of another test that just ended
            text = text.removesuffix(f',"workspaceId":"{own}"}}') + "}"
            if text == THE_END:
                missing.remove(own)
            else:
                shown[own].append(text)
    assert all(len(texts) == 15 * 8 for texts in seen.values())
    assert shown == seen


async def test_without_a_workspace_the_default_one_is_meant(start_broker, library):
    broker = start_broker()
    async with Clients(broker, library) as clients:
        named = await clients.open("default")
        await named.subscribe("agent")
        await (await clients.open(None)).publish("agent", {"hello": "default"})
        assert await named.receive() == event_text("agent", {"hello": "default"})


async def test_clients_that_end_with_a_reset_harm_nobody(broker, clients, workspace):
    async with clients:
        source, viewer = [await clients.open(workspace) for _ in range(2)]
        await viewer.subscribe("interaction", "markdone", "agent", "messenger:the-end")
        subscribe = json.dumps({"event": "subscribe", "data": ["interaction", "agent"]})
        abrupt = [RawConnection(broker.port).open(workspace) for _ in range(20)]
        for connection in abrupt:
            connection.send_text(subscribe)
            assert "subscriptionId" in connection.receive_text()
        publishing = asyncio.create_task(work(source, "s", 40))
        seen = []
        for index, connection in enumerate(abrupt):
            seen.append(await viewer.receive())
            if index % 3 == 0:
                connection.send(b"\x81\xfe\x01")  # within a frame
            if index % 3 == 1:
                connection.send_text(json.dumps({"request": "interaction.getInteractions"}))  # the answer finds nobody
            connection.reset()
        await publishing
        await end(source)
        seen += await viewer.until(THE_END)
    assert marked(seen) == {"s": list(range(80))}
    assert len(seen) == 40 * 8


async def test_blocks_of_a_client_that_ends_with_a_reset_are_lifted(broker, clients, workspace):
    async with clients:
        viewer = await clients.open(workspace)
        await viewer.subscribe("markdone")
        await viewer.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
        blocker = RawConnection(broker.port).open(workspace)
        blocker.send_text(json.dumps({"request": "interaction.blockMarkdone", "parameters": ["1", "wait"], "referenceId": "1"}))
        assert blocker.receive_text() == response_text("1")
        blocked = {"eventType": "MARKDONE_BLOCKED", "interactionId": "1", "caseId": "1", "warningMessage": "wait", "timeout": 30000}
        assert await viewer.receive() == event_text("markdone", blocked)
        blocker.reset()
        assert await viewer.receive() == event_text("markdone", {"eventType": "MARKDONE_UNBLOCKED", "interactionId": "1", "caseId": "1"})


async def test_a_session_that_does_not_read_is_closed_and_holds_nobody_up(start_broker):
    broker = start_broker("--drain-seconds", "1")
    async with Clients(broker) as clients:
        source, viewer = [await clients.open("w") for _ in range(2)]
        await viewer.subscribe("agent", "messenger:the-end")
        slow = RawConnection(broker.port, receive_buffer=4096).open("w")
        slow.send_text(json.dumps({"event": "subscribe", "data": "agent"}))
        assert "subscriptionId" in slow.receive_text()
        reading = asyncio.create_task(viewer.until(THE_END))
        events = [{"number": number, "filling": "x" * 60_000} for number in range(150)]
        for data in events:
            await source.publish("agent", data)
        await end(source)
        assert await reading == [event_text("agent", data) for data in events]
        # What was written to the slow one before is in order, up to the close frame.
        code, reason, texts = await asyncio.to_thread(slow.receive_close)
        assert texts == [event_text("agent", data) for data in events[: len(texts)]]
        slow.send_frame(CLOSE, (4001).to_bytes(2, "big"))
        assert slow.receive_frame() is None
        slow.socket.close()
    assert (code, reason.partition(":")[0]) == (4001, "slow_consumer")


@pytest.mark.parametrize("count", [1, 200])
async def test_a_block_expires_on_time(start_broker, library, count):
    """§8.2, by the real clock: neither before its deadline nor much later, also when many stand."""
    broker = start_broker("--block-markdone-timeout", "300")
    async with Clients(broker, library) as clients:
        client = await clients.open("w")
        await client.subscribe("markdone")
        for number in range(count):
            await client.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": f"{number}"}})
        begin = asyncio.get_running_loop().time()
        for number in range(count):
            await client.send({"request": "interaction.blockMarkdone", "parameters": [f"{number}", ""], "referenceId": "b"})
        types = []
        while types.count("MARKDONE_BLOCK_EXPIRED") < count:
            message = await client.receive_json()
            if "event" in message:
                types.append(message["data"]["eventType"])
                if types[-1] == "MARKDONE_BLOCK_EXPIRED":
                    assert message["data"]["interactionId"] == str(types.count("MARKDONE_BLOCK_EXPIRED") - 1), "not the oldest first"
                    assert asyncio.get_running_loop().time() - begin > 0.29
        assert types.count("MARKDONE_BLOCKED") == count
        assert (await client.request("interaction.markdone", "0")) is None
