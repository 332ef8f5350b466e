"""The commands of `casebus`, as a person or a script uses them."""

import json
import re
import signal
import socket
import subprocess
import time

import pytest
from broker_process import BINARY, PATIENCE, BrokerProcess, read_line
from clients import END, Clients, event_text
from raw_connection import RawConnection

COMMANDS = ["serve", "subscribe", "call", "publish", "consumer"]


def casebus(*arguments, text=None, timeout=PATIENCE):
    return subprocess.run([BINARY, *arguments], input=text, stdin=subprocess.DEVNULL if text is None else None, capture_output=True, text=True, timeout=timeout)


def offered():
    return re.findall(r"^  ([a-z]+) {2,}", casebus("--help").stdout.partition("SUBCOMMANDS:")[2], re.MULTILINE)


def plain(text):
    """What a person can read: a line or two, no internals."""
    assert 1 <= len(text.strip().splitlines()) <= 4, text
    assert not re.search(r"NIO|Optional\(|Swift\.|Error\(|errno|IOError|\bnil\b", text), text
    return text


@pytest.fixture
def on(broker, workspace):
    """The options for the shared broker and the test's own workspace."""
    return ["--url", broker.url, "--workspace", workspace]


def call(on, *arguments):
    result = casebus("call", *on, *arguments)
    assert (result.returncode, result.stderr) == (0, ""), result
    return json.loads(result.stdout)


# Help


def test_the_help_names_every_command():
    result = casebus("--help")
    assert result.returncode == 0
    assert set(COMMANDS) <= set(offered())


@pytest.mark.parametrize("command", COMMANDS + ["simulate", "demo"])
def test_the_help_of_a_command_has_an_example(command):
    if command not in offered():
        pytest.skip(f"casebus has no {command} yet")
    result = casebus(command, "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.search(r"^EXAMPLES?:\n(  casebus .*\n)*?  casebus " + command + r"\b", result.stdout, re.MULTILINE), result.stdout
    assert f"USAGE: casebus {command}" in result.stdout


# serve


def test_serve_prints_where_it_listens_at_once_also_into_a_pipe(start_broker):
    broker = start_broker()
    assert broker.first_line.startswith(f"Casebus is listening on {broker.url} ")
    assert broker.page in broker.first_line


def test_serve_says_plainly_that_the_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = casebus("serve", "--journal", "memory", "--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    assert f"127.0.0.1:{port}" in result.stderr
    assert "in use" in result.stderr


@pytest.mark.parametrize(("arguments", "named"), [
    (["serve", "--port", "70000"], "--port"),
    (["serve", "--port", "-1"], "--port"),
    (["serve", "--port", "http"], "--port"),
    (["serve", "--prot", "1"], "--prot"),
    (["serve", "--journal", "stone"], "--journal"),
    (["serve", "--transitions", "none"], "--transitions"),
    (["serve", "--sessions-max", "0"], "--sessions-max"),
    (["serve", "--message-bytes-max", "0"], "--message-bytes-max"),
    (["serve", "--drain-seconds", "0"], "--drain-seconds"),
    (["serve", "--block-markdone-timeout", "0"], "--block-markdone-timeout"),
    (["serve", "--log-level", "loud"], "--log-level"),
    (["subscribe", "--url", "http://127.0.0.1:1/v2"], "--url"),
    (["subscribe", "--url", "ws://"], "--url"),
    (["subscribe", "--workspace", "a b"], "--workspace"),
    (["subscribe", "--count", "many"], "--count"),
    (["subscribe", "--count", "0"], "--count"),
    (["subscribe", "--count=-1"], "--count"),
    (["subscribe", "--since", "end"], "--since"),
    (["subscribe", "--since", "e:"], "EPOCH:OFFSET"),
    (["subscribe", "--since", "e:-1"], "EPOCH:OFFSET"),
    (["subscribe", "--since", "e:9223372036854775808"], "EPOCH:OFFSET"),
    (["subscribe", "--durable", "crm bot"], "--durable"),
    (["subscribe", "--ack"], "--durable"),
    (["consumer", "get"], "<name>"),
    (["consumer", "delete"], "<name>"),
    (["consumer", "list", "crm-bot"], "crm-bot"),
    (["consumer", "list", "--workspace", "a b"], "--workspace"),
    (["publish", "--message-id", "m"], "--message-id"),
    (["call"], "<request>"),
    (["call", "--workspace", "", "interaction.getInteractions"], "--workspace"),
    (["publish", "agent"], "data"),
    (["publish", "agent", "{}", "{}"], "{}"),
    (["explode"], "explode"),
], ids=" ".join)
def test_a_bad_option_is_named(arguments, named):
    result = casebus(*arguments)
    assert result.returncode not in {0, 1} and result.returncode > 0
    assert result.stdout == ""
    assert named in result.stderr.partition("\nUsage:")[0]


# call


def test_call_prints_the_result_as_json(on):
    assert call(on, "interaction.getInteractions") == []
    assert call(on, "interaction.getByInteractionId", "1") is None
    done = casebus("publish", *on, "interaction", '{"eventType":"RINGING","interaction":{"interactionId":"1","ani":"Zoë"}}')
    assert (done.returncode, done.stdout) == (0, ""), done
    result = casebus("call", *on, "interaction.getByInteractionId", "1")
    assert result.returncode == 0
    assert result.stdout == (
        '{"interactionId":"1","caseId":"1","userData":{},"state":"RINGING","parties":[],"isConsultation":false,"isMainCaseInteraction":true,'
        '"ani":"Zoë","isCaseSelected":false,"isCaseExpanded":false}\n'
    )


def test_call_passes_json_and_texts_as_parameters(on):
    casebus("publish", *on, "interaction", '{"eventType":"RINGING","interaction":{"interactionId":"1"}}')
    assert call(on, "interaction.setUserData", "1", '{"Segment":"gold","n":[1.0,null]}') is None
    assert call(on, "interaction.blockMarkdone", "1", "5 minutes {sic}") is None
    assert call(on, "interaction.selectCaseByCaseId", '"1"') is None
    shown = casebus("call", *on, "interaction.getByInteractionId", "1").stdout
    assert '"userData":{"Segment":"gold","n":[1.0,null]}' in shown
    assert '"isCaseSelected":true' in shown


@pytest.mark.parametrize(("arguments", "words"), [
    (["interaction.markdone", "nobody"], ["nobody", "interaction_not_found"]),
    (["interaction.explode"], ["interaction.explode", "unknown_request"]),
    (["interaction.markdone"], ["interactionId", "invalid_parameters"]),
    (["interaction.setUserData", "1", "text"], ["keyValues", "invalid_parameters"]),
])
def test_a_call_that_fails_exits_with_1_and_says_why_on_standard_error(on, arguments, words):
    result = casebus("call", *on, *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    for word in words:
        assert word in plain(result.stderr)


@pytest.mark.parametrize("arguments", [["call", "interaction.getInteractions"], ["subscribe"], ["publish", "agent", "{}"], ["publish"]], ids=" ".join)
def test_a_broker_that_cannot_be_reached_is_said_plainly(arguments):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = casebus(*arguments[:1], "--url", f"ws://127.0.0.1:{port}/v2", *arguments[1:], text='{"event":"agent","data":{}}\n')
    assert (result.returncode, result.stdout) == (1, "")
    assert f"127.0.0.1:{port}" in plain(result.stderr)
    assert f"casebus serve --port {port}" in result.stderr


def test_a_host_that_does_not_exist_is_said_plainly():
    result = casebus("call", "--url", "ws://no-such-host.invalid:1/v2", "interaction.getInteractions", timeout=60)
    assert (result.returncode, result.stdout) == (1, "")
    assert "no-such-host.invalid" in plain(result.stderr)


def test_a_server_that_is_no_broker_is_said_plainly():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        caller = subprocess.Popen([BINARY, "call", "--url", f"127.0.0.1:{port}", "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        server.settimeout(PATIENCE)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(PATIENCE)
            assert b"/v2?workspace=default" in connection.recv(4096)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            output, errors = caller.communicate(timeout=PATIENCE)
    assert (caller.returncode, output) == (1, "")
    assert "404" in plain(errors)


def test_a_full_broker_is_said_plainly(start_broker):
    broker = start_broker("--sessions-max", "1", "--drain-seconds", "1")
    with RawConnection(broker.port) as occupant:
        occupant.open("w")
        result = casebus("call", "--url", broker.url, "interaction.getInteractions")
    assert (result.returncode, result.stdout) == (1, "")
    assert "503" in plain(result.stderr)


# publish and subscribe


class Subscriber:
    """`casebus subscribe`, from the moment its subscription stands."""

    def __init__(self, broker, workspace, events, *options, count):
        self.process = subprocess.Popen(
            [BINARY, "subscribe", "--url", broker.url, "--workspace", workspace, "--events", f"{events},messenger:ready", "--count", str(count + 1), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def lines(self, count):
        return [read_line(self.process).rstrip("\n") for _ in range(count)]


async def make_ready(subscriber, source):
    """Publishes until the subscriber prints it: it does not say itself when it has subscribed."""
    deadline = time.monotonic() + PATIENCE
    while True:
        await source.publish("messenger:ready", 0)
        try:
            line = read_line(subscriber.process, 0.05)
        except AssertionError:
            assert time.monotonic() < deadline, "casebus subscribe prints nothing"
            continue
        return line


async def test_publish_takes_json_lines_and_subscribe_prints_events_and_stops_after_its_count(broker, workspace, on):
    async with Clients(broker) as clients:
        source = await clients.open(workspace)
        with Subscriber(broker, workspace, "agent,interaction,markdone", count=5) as subscriber:
            assert await make_ready(subscriber, source) == event_text("messenger:ready", "0") + "\n"
            lines = [
                '{"event":"agent","data":{"text":"Zoë","number":1.0}}',
                "",
                '{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"1"}}}',
                '{"event":"media","data":{"not":"subscribed"}}',
                '{"event":"interaction","data":{"eventType":"COMPLETED","interaction":{"interactionId":"1"}}}',
            ]
            result = casebus("publish", *on, text="\n".join(lines) + "\n")
            assert (result.returncode, result.stdout) == (0, ""), result
            assert "4" in result.stderr
            printed = subscriber.lines(5)
            assert printed[0] == event_text("agent", '{"text":"Zoë","number":1.0}')
            assert [json.loads(line)["data"].get("eventType") for line in printed[1:]] == ["IDLE", "MARKED_DONE", "COMPLETED", "CASE_CLOSED"]
            assert all(line.endswith(END) for line in printed)
            assert subscriber.process.wait(PATIENCE) == 0
            assert subscriber.process.stderr.read() == b""


async def test_subscribe_to_all_workspaces_prints_each_events_workspace(start_broker):
    broker = start_broker()
    async with Clients(broker) as clients:
        source = await clients.open("north")
        with Subscriber(broker, "*", "agent", count=1) as subscriber:
            assert (await make_ready(subscriber, source)).endswith(',"workspaceId":"north"}\n')
            casebus("publish", "--url", broker.url, "--workspace", "south", "agent", "{}")
            assert subscriber.lines(1) == [event_text("agent", "{}")[:-1] + ',"workspaceId":"south"}']


async def test_subscribe_says_that_the_broker_ended_the_connection(start_broker):
    broker = start_broker()
    async with Clients(broker) as clients:
        with Subscriber(broker, "w", "agent", count=1) as subscriber:
            await make_ready(subscriber, await clients.open("w"))
            broker.signal(signal.SIGTERM)
            assert subscriber.process.wait(PATIENCE) == 1
            assert "ended the connection" in plain(subscriber.process.stderr.read().decode())


def test_subscribe_to_an_unknown_event_fails(on):
    result = casebus("subscribe", *on, "--events", "interaction,calls")
    assert (result.returncode, result.stdout) == (1, "")
    assert "calls" in plain(result.stderr) and "unknown_event" in result.stderr


@pytest.mark.parametrize(("line", "words"), [
    ("not JSON", ["line 2", "JSON"]),
    ('{"event":"agent"}', ["line 2", '"data"']),
    ('{"event":1,"data":{}}', ["line 2", '"event"']),
    ('{"event":"agent","data":1}', ["object", "invalid_parameters"]),
    ('{"event":"agent","data":{},"messageId":7}', ["line 2", "messageId"]),
    ('{"event":"calls","data":{}}', ["calls", "unknown_event"]),
])
def test_a_line_that_cannot_be_published_ends_the_command_and_those_before_it_stand(on, line, words):
    good = '{"event":"interaction","data":{"eventType":"IDLE","interaction":{"interactionId":"%s"}}}'
    result = casebus("publish", *on, text="\n".join([good % "1", line, good % "3"]) + "\n")
    assert (result.returncode, result.stdout) == (1, "")
    for word in words:
        assert word in plain(result.stderr)
    assert [one["interactionId"] for one in call(on, "interaction.getInteractions")] == ["1"]


@pytest.mark.parametrize(("arguments", "words"), [
    (["agent", "not JSON"], ["JSON"]),
    (["agent", "1"], ["object"]),
    (["markdone", "{}"], ["markdone", "not_publishable"]),
    (["interaction", '{"eventType":"COMPLETED","interaction":{"interactionId":"1"}}'], ["illegal_transition"]),
])
def test_a_publish_that_fails_exits_with_1_and_says_why(on, arguments, words):
    result = casebus("publish", *on, *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    for word in words:
        assert word in plain(result.stderr)


# Positions, resuming, messages sent again


RINGING = '{"eventType":"RINGING","interaction":{"interactionId":"1"}}'


@pytest.fixture
def on_kept(broker, workspace, on):
    """As `on`; a session holds the workspace, because a journal in memory forgets an empty one that nobody is connected to."""
    with RawConnection(broker.port) as occupant:
        occupant.open(workspace)
        yield on


def publish(on, event, data, *options):
    result = casebus("publish", *on, event, data, *options)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result


def events_since(on, since, count, *options):
    """What `casebus subscribe --since` prints, and what it says on standard error."""
    result = casebus("subscribe", *on, "--events", "agent", "--since", since, "--count", str(count), *options)
    assert result.returncode == 0, result
    return [json.loads(line) for line in result.stdout.splitlines()], result.stderr


def test_subscribe_since_the_beginning_prints_what_there_was_with_positions(on_kept):
    for n in range(3):
        publish(on_kept, "agent", f'{{"n":{n}}}')
    events, errors = events_since(on_kept, "beginning", 3)
    assert errors == ""
    assert [(event["offset"], event["data"]) for event in events] == [(1, {"n": 0}), (2, {"n": 1}), (3, {"n": 2})]
    assert list(events[0]) == ["event", "data", "userAgent", "protocolVersion", "offset", "epoch"]
    epoch = events[0]["epoch"]
    later, errors = events_since(on_kept, f"{epoch}:1", 2)
    assert (later, errors) == (events[1:], "")


async def test_subscribe_since_a_position_that_is_gone_says_so_and_goes_on(broker, workspace):
    async with Clients(broker) as clients:
        source = await clients.open(workspace)
        await source.publish("agent", {"n": 1})
        with Subscriber(broker, workspace, "agent", "--since", "an:old:epoch:1", count=1) as subscriber:
            assert read_line_of(subscriber.process.stderr).startswith("some events are missing here")
            await make_ready(subscriber, source)
            await source.publish("agent", {"n": 2})
            assert json.loads(subscriber.lines(1)[0])["data"] == {"n": 2}
            assert subscriber.process.wait(PATIENCE) == 0


def read_line_of(pipe):
    """A line of a pipe that is not standard output, letter by letter: what follows it stays there."""
    line = b""
    while not line.endswith(b"\n"):
        letter = pipe.read(1)
        assert letter, f"it ended after {line!r}"
        line += letter
    return line.decode()


async def test_subscribe_prints_positions_where_they_are_wanted(broker, workspace):
    async with Clients(broker) as clients:
        source = await clients.open(workspace)
        with Subscriber(broker, workspace, "agent", "--positions", count=2) as subscriber:
            await make_ready(subscriber, source)
            await source.publish("agent", {})
            await source.publish("media", {})
            await source.publish("agent", {})
            assert [json.loads(line)["offset"] for line in subscriber.lines(2)] == [1, 3]


async def test_subscribe_comes_back_when_the_broker_does(start_broker):
    broker = start_broker("--drain-seconds", "1")
    async with Clients(broker) as clients:
        with Subscriber(broker, "w", "agent", "--reconnect", count=2) as subscriber:
            source = await clients.open("w")
            await make_ready(subscriber, source)
            await source.publish("agent", {"n": 1})
            assert json.loads(subscriber.lines(1)[0])["data"] == {"n": 1}
            broker.stop()
            again = start_broker("--port", str(broker.port))
            # Its journal was memory: it cannot know what there was.
            assert read_line_of(subscriber.process.stderr).startswith("some events are missing here")
            async with Clients(again) as others:
                await (await others.open("w")).publish("agent", {"n": 2})
                assert json.loads(subscriber.lines(1)[0])["data"] == {"n": 2}
            assert subscriber.process.wait(PATIENCE) == 0


async def test_subscribe_goes_on_where_it_was_when_the_broker_comes_back_with_its_journal(start_broker, tmp_path):
    broker = start_broker("--drain-seconds", "1", "--data", str(tmp_path / "journal"))
    on = ["--url", broker.url, "--workspace", "w"]
    async with Clients(broker) as clients:
        with Subscriber(broker, "w", "agent", "--reconnect", count=3) as subscriber:
            await make_ready(subscriber, await clients.open("w"))
            publish(on, "agent", '{"n":1}')
            subscriber.lines(1)
            broker.stop()
            start_broker("--port", str(broker.port), "--data", str(tmp_path / "journal"))
            for n in [2, 3]:
                publish(on, "agent", f'{{"n":{n}}}')
            assert [json.loads(line)["data"]["n"] for line in subscriber.lines(2)] == [2, 3]
            assert subscriber.process.wait(PATIENCE) == 0
            assert subscriber.process.stderr.read() == b""


def test_subscribe_with_reconnect_says_plainly_that_there_never_was_a_broker():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = casebus("subscribe", "--reconnect", "--url", f"127.0.0.1:{port}")
    assert (result.returncode, result.stdout) == (1, "")
    assert f"127.0.0.1:{port}" in plain(result.stderr)


def test_what_is_published_again_with_its_message_id_happens_once(on_kept):
    for _ in range(2):
        publish(on_kept, "agent", '{"n":1}', "--message-id", "m-1")
    publish(on_kept, "agent", '{"n":1}', "--message-id", "m-2")
    line = '{"event":"agent","data":{"n":2},"messageId":"m-3"}\n'
    assert casebus("publish", *on_kept, text=line + line).returncode == 0
    publish(on_kept, "agent", '{"n":3}')
    events, _ = events_since(on_kept, "beginning", 4)
    assert [event["data"]["n"] for event in events] == [1, 1, 2, 3]


def test_a_call_made_again_with_its_message_id_fails_as_before(on_kept):
    def markdone():
        return casebus("call", *on_kept, "interaction.markdone", "1", "--message-id", "m-1")

    before = markdone()
    assert before.returncode == 1 and "interaction_not_found" in before.stderr
    publish(on_kept, "interaction", RINGING)
    publish(on_kept, "interaction", RINGING.replace("RINGING", "IDLE"), "--message-id", "m-2")
    assert markdone().stderr == before.stderr
    assert call(on_kept, "interaction.markdone", "1") is None


@pytest.mark.parametrize(("options", "words"), [
    (["--message-id", ""], ["messageId", "invalid_message"]),
    (["--message-id", "m" * 129], ["129", "invalid_message"]),
])
def test_a_bad_message_id_is_said_plainly(on, options, words):
    result = casebus("publish", *on, "agent", "{}", *options)
    assert (result.returncode, result.stdout) == (1, "")
    for word in words:
        assert word in plain(result.stderr)


# Durable consumers


def durable(on, count, *options):
    """What `casebus subscribe --durable bot` prints."""
    result = casebus("subscribe", *on, "--events", "agent", "--durable", "bot", "--count", str(count), *options)
    assert (result.returncode, result.stderr) == (0, ""), result
    return [json.loads(line) for line in result.stdout.splitlines()]


def labels(event):
    return event["offset"], event.get("delivery")


def test_a_durable_subscriber_that_acknowledges_gets_everything_once(on_kept):
    on = on_kept
    publish(on, "agent", '{"n":1}')
    assert [labels(event) for event in durable(on, 1, "--since", "beginning", "--ack")] == [(1, None)]
    for n in range(2, 5):
        publish(on, "agent", f'{{"n":{n}}}')
    assert [labels(event) for event in durable(on, 2, "--ack")] == [(2, None), (3, None)]
    assert labels(durable(on, 1, "--ack")[0])[0] == 4
    [listed] = [json.loads(line) for line in casebus("consumer", "list", *on).stdout.splitlines()]
    assert listed["name"] == "bot" and listed["position"] == 4 and listed["backlog"] == listed["sessions"] == 0


def test_a_durable_subscriber_that_does_not_acknowledge_gets_it_again(on_kept):
    on = on_kept
    publish(on, "agent", "{}")
    assert labels(durable(on, 1, "--since", "beginning")[0]) == (1, None)
    assert labels(durable(on, 1)[0]) == (1, 2)
    assert labels(durable(on, 1, "--ack")[0]) == (1, 3)


def test_consumers_are_shown_and_deleted(on_kept):
    on = on_kept
    assert casebus("consumer", "list", *on).stdout == ""
    publish(on, "agent", "{}")
    durable(on, 1, "--since", "beginning")
    shown = casebus("consumer", "get", *on, "bot")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert json.loads(shown.stdout)["workspaces"][0]["backlog"] == 1
    deleted = casebus("consumer", "delete", *on, "bot")
    assert (deleted.returncode, deleted.stdout, deleted.stderr) == (0, "", "")
    for command in ["get", "delete"]:
        result = casebus("consumer", command, *on, "bot")
        assert (result.returncode, result.stdout) == (1, "")
        assert "bot" in plain(result.stderr) and "consumer_not_found" in result.stderr


async def test_a_subscriber_of_a_deleted_consumer_ends_also_with_reconnect(broker, workspace, on):
    async with Clients(broker) as clients:
        client = await clients.open(workspace)
        process = subprocess.Popen([BINARY, "subscribe", *on, "--durable", "bot", "--reconnect"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + PATIENCE
            while not any(consumer["sessions"] for consumer in await client.request("consumer.list")):
                assert time.monotonic() < deadline
            await client.request("consumer.delete", "bot")
            output, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert (process.returncode, output) == (1, b"")
        assert "4502" in plain(errors.decode())


async def test_a_durable_subscriber_of_all_workspaces_acknowledges_in_each(start_broker):
    broker = start_broker()
    on = ["--url", broker.url, "--workspace", "*"]
    async with Clients(broker) as clients:
        process = subprocess.Popen([BINARY, "subscribe", *on, "--events", "agent", "--durable", "bot", "--ack", "--count", "2"], stdout=subprocess.PIPE, bufsize=0)
        try:
            monitor = await clients.open("*")
            deadline = time.monotonic() + PATIENCE
            while not any(consumer["sessions"] for consumer in await monitor.request("consumer.list")):
                assert time.monotonic() < deadline
            for workspace in ["north", "south"]:
                await (await clients.open(workspace)).publish("agent", {})
            printed = [json.loads(read_line(process)) for _ in range(2)]
            assert {event["workspaceId"] for event in printed} == {"north", "south"}
            assert process.wait(PATIENCE) == 0
            assert (await monitor.request("consumer.get", "bot"))["workspaces"] == []
        finally:
            process.kill()
            process.stdout.close()


# simulate and demo


@pytest.mark.skipif("simulate" not in offered(), reason="casebus has no simulate yet")
async def test_simulate_publishes_to_a_broker_and_ends_after_its_duration(start_broker):
    broker = start_broker()
    async with Clients(broker) as clients:
        monitor = await clients.open("*")
        await monitor.subscribe("interaction", "markdone")
        result = casebus("simulate", "--url", broker.url, "--agents", "2", "--rate", "20", "--seed", "1", "--duration", "2", timeout=30)
        assert result.returncode == 0, result
        message = await monitor.receive_json()
    assert message["event"] == "interaction" and message["workspaceId"]


@pytest.mark.skipif("demo" not in offered(), reason="casebus has no demo yet")
async def test_demo_serves_and_simulates():
    broker = BrokerProcess(command=("demo",))
    try:
        async with Clients(broker) as clients:
            monitor = await clients.open("*")
            await monitor.subscribe("interaction")
            message = await monitor.receive_json()
            assert message["event"] == "interaction" and message["workspaceId"]
            broker.signal(signal.SIGTERM)
            end, _ = await monitor.closed()
            assert end.code == 4000
        assert broker.wait() == 0, broker.error_text()
    finally:
        broker.kill()
