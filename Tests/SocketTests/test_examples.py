"""The examples of the pages do what the pages say of them."""

import json
import re
import subprocess
import sys

from broker_process import BINARY, PATIENCE, REPOSITORY, read_line

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "Docs").rglob("*.md")), *sorted((REPOSITORY / "Protocol").rglob("*.md"))]
SOURCES = sorted((REPOSITORY / "Sources").rglob("*.swift"))


def programs(page):
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_every_example_takes_messages_over_1_mib():
    """The library's own limit ends a connection at the first long event; an answer alone may have 4 MiB (answerBytesMax)."""
    calls = [(path, call) for path in PAGES + SOURCES for call in re.findall(r"\bconnect\((?:url|\\?\"(?:wss?://|\\\(address)[^\n]*)[^\n]*", path.read_text(encoding="utf-8"))]
    assert len(calls) >= 6
    for path, call in calls:
        assert "max_size=2**24" in call, (path, call)


def test_the_lines_of_the_readme_print_an_event_of_a_megabyte_and_a_half(start_broker):
    broker = start_broker("--message-bytes-max", "3000000", "--outbound-queue-bytes-max", "10000000")
    [program] = [program for program in programs(REPOSITORY / "README.md") if "websockets" in program]
    program, count = re.subn(r"ws://[^\"'?]*", broker.url, program)
    assert count == 1
    # Interactions are bounded; what is only relayed is as long as a message may be.
    program = program.replace('"interaction", "markdone"', '"agent"')
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as viewer:
        try:
            assert "subscriptionId" in read_line(viewer)
            text = json.dumps({"event": "agent", "data": {"text": "x" * 1_500_000}})
            done = subprocess.run([BINARY, "publish", "--url", broker.url], input=text, capture_output=True, text=True, timeout=PATIENCE)
            assert done.returncode == 0, done
            line = b""
            while not line.endswith(b"\n"):
                part = viewer.stdout.read(65536)
                assert part, viewer.stderr.read().decode()
                line += part
            assert len(json.loads(line)["data"]["text"]) == 1_500_000
        finally:
            viewer.kill()


def test_the_bot_that_writes_every_finished_interaction_sees_every_finished_interaction(start_broker, tmp_path):
    data = str(tmp_path / "journal")
    broker = start_broker("--data", data)
    [program] = [program for program in programs(REPOSITORY / "Docs" / "concepts" / "nothing-lost.md") if "to the CRM" in program]
    program, count = re.subn(r"ws://[^\"'?]*", f"{broker.url}?workspace=agent-1", program)
    assert count == 1
    # The bot's name exists from the first event on.
    assert subprocess.run([BINARY, "publish", "--url", broker.url, "--workspace", "agent-1", "agent", "{}"], timeout=PATIENCE).returncode == 0
    subscribe = [BINARY, "subscribe", "--url", broker.url, "--workspace", "agent-1", "--events", "interaction", "--durable", "crm-bot"]
    with subprocess.Popen(subscribe, stdout=subprocess.PIPE) as first:
        while b'"crm-bot"' not in subprocess.run([BINARY, "consumer", "list", "--url", broker.url, "--workspace", "agent-1"], capture_output=True, timeout=PATIENCE).stdout:
            pass
        first.kill()
    simulate = [BINARY, "simulate", "--url", broker.url, "--agents", "1", "--rate", "300", "--duration", "4", "--seed", "7"]
    assert subprocess.run(simulate, capture_output=True, timeout=4 * PATIENCE).returncode == 0
    exported = subprocess.run([BINARY, "journal", "export", "--data", data], capture_output=True, text=True, timeout=PATIENCE).stdout
    expected = finished(exported)
    marked_done = exported.count('"MARKED_DONE"')
    print(f"finished: {len(expected)}, marked done: {marked_done}")
    assert len(expected) > 20 and marked_done < len(expected)
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as bot:
        try:
            seen = [read_line(bot).split()[3] for _ in expected]
        finally:
            bot.kill()
    assert seen == expected


def finished(exported):
    """The interactions that left the workspace, by the rules of the registry: an independent look at the journal."""
    states = json.loads((REPOSITORY / "Protocol" / "registry" / "interaction-states.json").read_text())["states"]
    terminal = {row["state"] for row in states if row["terminal"]}
    ids = []
    for line in exported.splitlines():
        for event in found(json.loads(line), "data"):
            if isinstance(event, dict) and event.get("interaction", {}).get("state") in terminal:
                ids.append(event["interaction"]["interactionId"])
    return ids


def found(value, key):
    if isinstance(value, dict):
        for name, member in value.items():
            if name == key:
                yield member
            else:
                yield from found(member, key)
    elif isinstance(value, list):
        for member in value:
            yield from found(member, key)
