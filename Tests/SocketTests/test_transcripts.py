"""Protocol/vectors/transcripts, byte for byte, by other people's clients. The format: Protocol/vectors/README.md."""

import json
import re

import pytest
from broker_process import REPOSITORY
from clients import END, Clients, event_text, publication

FILES = sorted((REPOSITORY / "Protocol" / "vectors" / "transcripts").glob("*.json"))


class NumberText(str):
    """A number of a JSON text, as it is written there."""


def read(path):
    return json.loads(path.read_text(encoding="utf-8"), parse_int=NumberText, parse_float=NumberText)


def compact(value):
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(compact(key) + ":" + compact(child) for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


TRANSCRIPTS = {path.stem: read(path) for path in FILES}
# The others need a clock that the test moves.
NAMES = [name for name, transcript in TRANSCRIPTS.items() if transcript.get("clock") != "manual"]


def workspaces_of(transcript):
    """By client; `default` for those without."""
    named = [client if isinstance(client, dict) else {"name": client, "workspace": "default"} for client in transcript["clients"]]
    return {client["name"]: client["workspace"] for client in named}


class Expectation:
    """Compares what comes with what a transcript expects, and remembers what the broker made up: subscription ids and epochs."""

    PARTS = re.compile(r'("\$\{any\}"|"\$\{time\}"|\$\{(?:subscription|epoch):\d+\}|"remaining":\d+)')

    def __init__(self):
        self.made_up = {}

    def check(self, expected, received, where):
        remaining = []
        pattern = "".join(self.pattern_of(part, remaining) for part in self.PARTS.split(expected))
        match = re.fullmatch(pattern, received, re.DOTALL)
        assert match, f"{where}\nexpected {expected}\nreceived {received}"
        groups = list(match.groups())
        for kind, value in remaining:
            text = groups.pop(0)
            if kind == "remaining":
                assert 1 <= int(text) <= int(value), f"{where}: {received}"
            else:
                self.made_up[value] = text

    def pattern_of(self, part, groups):
        if part == '"${any}"':
            return r'"(?:[^"\\]|\\.)+"'
        if part == '"${time}"':
            return r"[1-9][0-9]{12}"
        if part.startswith('"remaining":') and part[-1].isdigit():
            groups.append(("remaining", part.split(":")[1]))
            return r'"remaining":([1-9][0-9]*)'
        if not part.startswith("${"):
            return re.escape(part)
        if part in self.made_up:
            return re.escape(self.made_up[part])
        groups.append(("made up", part))
        return r'([^"\\]+)'

    def filled_in(self, text):
        for placeholder, value in self.made_up.items():
            text = text.replace(placeholder, value)
        return text


async def perform(step, members, expectation, where):
    if "disconnect" in step:
        assert await members.pop(step["disconnect"]).close() == 1000, where
    elif "send" in step:
        text = step["send"] if isinstance(step["send"], str) else compact(step["send"])
        await members[step["client"]].send(expectation.filled_in(text))
    closes = step.get("closes", {})
    # Those that the broker closes first: they answer its close frame only when they read it.
    for name in sorted(step["expect"] | closes, key=lambda name: name not in closes):
        for text in step["expect"].get(name, []):
            expectation.check(text, await members[name].receive(), f"{where}, {name}")
        if name in closes:
            end, others = await members.pop(name).closed()
            assert (end.code, others) == (int(closes[name]), []), where


async def receive_nothing_more(members, workspace_of, clients):
    """Everybody's next message is the end mark, which its workspace orders behind all other events (Protocol §4.4.3)."""
    mark = "messenger:end-of-transcript"
    marked = {}
    for name, member in members.items():
        await member.send({"event": "subscribe", "data": mark, "referenceId": "end"})
        answer = await member.receive()
        assert answer.startswith('{"referenceId":"end",') and END[:-1] in answer, f"{name} received more: {answer}"
        if "errorCode" not in answer:  # it may have no room for a subscription, or be part of a durable consumer
            marked[name] = member
    for workspace in sorted(set(workspace_of.values()) - {"*"}):
        marker = await clients.open(workspace)
        await marker.send(publication(mark, workspace, "m"))
        for name, member in marked.items():
            if workspace_of[name] == workspace:
                assert await member.receive() == event_text(mark, f'"{workspace}"'), name
            elif workspace_of[name] == "*":
                assert await member.receive() == event_text(mark, f'"{workspace}"')[:-1] + f',"workspaceId":"{workspace}"}}', name


def test_there_are_transcripts():
    assert len(NAMES) >= 36


@pytest.mark.parametrize("name", NAMES)
async def test_a_transcript_goes_byte_for_byte(name, library, broker, start_broker, new_workspace):
    transcript = TRANSCRIPTS[name]
    workspace_of = workspaces_of(transcript)
    if "*" in workspace_of.values():
        broker = start_broker()  # a monitor sees everything that happens there, and the workspaces keep their names
    else:
        own = {workspace: new_workspace() for workspace in set(workspace_of.values())}
        workspace_of = {client: own[workspace] for client, workspace in workspace_of.items()}
    expectation = Expectation()
    async with Clients(broker, library) as clients:
        members = {client: await clients.open(workspace) for client, workspace in workspace_of.items()}
        for number, step in enumerate(transcript["steps"], 1):
            await perform(step, members, expectation, f"{name}, step {number}")
        await receive_nothing_more(members, workspace_of, clients)


def test_an_expectation_notices_what_differs():
    expectation = Expectation()
    subscribed = '{"referenceId":"1","subscriptionId":"${subscription:1}",' + END
    expectation.check(subscribed, subscribed.replace("${subscription:1}", "x-1"), "")
    assert expectation.filled_in('{"data":"${subscription:1}"}') == '{"data":"x-1"}'
    refused = '{"errorMessage":"${any}","errorCode":"a",' + END
    expectation.check(refused, refused.replace("${any}", 'with \\"quotes\\"'), "")
    expectation.check('{"remaining":30000}', '{"remaining":29990}', "")
    expectation.check('{"time":"${time}"}', '{"time":1763917200000}', "")
    positioned = '{"offset":1,"epoch":"${epoch:1}"}'
    expectation.check(positioned, '{"offset":1,"epoch":"e1"}', "")
    expectation.check('{"offset":0,"epoch":"${epoch:2}"}', '{"offset":0,"epoch":"e2"}', "")
    assert expectation.filled_in('{"epoch":"${epoch:2}"}') == '{"epoch":"e2"}'
    for expected, received in [
        (subscribed, subscribed.replace("${subscription:1}", "x-2")),
        (refused, refused.replace("${any}", "")),
        (refused, refused.replace("${any}", "m") + " "),
        ('{"remaining":30000}', '{"remaining":30001}'),
        ('{"remaining":30000}', '{"remaining":0}'),
        ('{"data":1.0}', '{"data":1}'),
        (positioned, '{"offset":1,"epoch":"e2"}'),
        (positioned, '{"offset":2,"epoch":"e1"}'),
        ('{"time":"${time}"}', '{"time":"1763917200000"}'),
    ]:
        with pytest.raises(AssertionError):
            expectation.check(expected, received, "")
