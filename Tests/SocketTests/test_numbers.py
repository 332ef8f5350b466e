"""Numbers from outside: each has a lowest and a highest value, and one near 2^63 ends no process with a trap."""

import re
import subprocess
from fractions import Fraction

import pytest
from broker_process import BINARY, DEVTOOLS, PATIENCE, REPOSITORY
from clients import Clients

COMMANDS = [
    ["serve"], ["simulate"], ["subscribe"], ["journal", "info"], ["journal", "tail"], ["echo-server"], ["echo-client"], ["journal-bench"],
]
OF_DEVTOOLS = {"echo-server", "echo-client", "journal-bench"}
# A seed is any number of 64 bits; an address begins like a number.
NOT_RANGES = {"--seed", "--host"}
RANGE = re.compile(r"\b(\d[\d.]*) to (\d[\d.]*\d|\d)\b")
# The state must fit into an answer.
TOGETHER = {
    "--interaction-bytes-max": ["--workspace-bytes-max", "536870912", "--answer-bytes-max", "1073741824"],
    "--workspace-bytes-max": ["--answer-bytes-max", "1073741824"],
}
NEEDED = {"echo-client": ["--url", "ws://127.0.0.1:1/"], "journal-bench": ["--data", "/nowhere/at/all"], "tail": ["--workspace", "w"]}


def casebus(*arguments):
    binary = DEVTOOLS if arguments[0] in OF_DEVTOOLS else BINARY
    return subprocess.run([binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)


def options_of(command):
    """The options whose default is a number, or whose value is called like one, with their whole help."""
    text = casebus(*command, "--help").stdout.partition("OPTIONS:")[2]
    found = re.findall(r"^  (?:-\w, )?(--[a-z-]+) <([^>]*)>\s+(.*(?:\n {6,}.*)*)", text, re.MULTILINE)
    for name, value, help_text in found:
        help_text = re.sub(r"\s+", " ", help_text)
        is_number = re.search(r"\(default: -?\d[\d.]*\)", help_text) or value in {"count", "offset", "seconds", "ms", "bytes", "port"}
        if is_number and name not in NOT_RANGES:
            yield name, help_text


NUMBERS = [(command, name, help_text) for command in COMMANDS for name, help_text in options_of(command)]


def test_there_are_numbers_in_every_command():
    assert {tuple(command) for command, _, _ in NUMBERS} == {tuple(command) for command in COMMANDS}
    assert len(NUMBERS) > 35


@pytest.mark.parametrize(("command", "name", "help_text"), NUMBERS, ids=[f"{' '.join(command)} {name}" for command, name, _ in NUMBERS])
def test_a_number_out_of_its_range_is_said_with_its_option_its_value_and_its_range(command, name, help_text):
    match = RANGE.search(help_text)
    assert match, f"the help of {name} tells no range: {help_text}"
    low, high = match.groups()
    is_whole = "." not in low + high
    needed = NEEDED.get(command[-1], [])
    for value in [str(int(Fraction(high)) + 1), str(2**63 - 1) if is_whole else "1e300"]:
        done = casebus(*command, *needed, f"{name}={value}")
        assert (done.returncode, done.stdout) == (64, ""), done
        message = done.stderr.partition("\nUsage:")[0]
        assert name in message and f"{low} to {high}" in message, done.stderr


def test_a_number_that_does_not_fit_into_64_bits_is_said_with_the_help_of_its_option():
    done = casebus("serve", f"--ping-interval={2**65}")
    assert done.returncode == 64
    assert all(part in done.stderr for part in [str(2**65), "--ping-interval", "1 to 86400 seconds"]), done.stderr


@pytest.mark.parametrize("value", ["0", "-1", str(-(2**63))])
def test_a_number_that_is_too_small_is_said_too(value):
    done = casebus("serve", f"--ping-interval={value}")
    assert done.returncode == 64 and f"--ping-interval is {value}, expected 1 to 86400" in done.stderr, done


@pytest.mark.parametrize("name", sorted({name for command, name, _ in NUMBERS if command == ["serve"]} - {"--port", "--tls-port"}))
async def test_a_broker_works_with_the_highest_value(start_broker, tmp_path, name):
    high = RANGE.search(dict((option, text) for command, option, text in NUMBERS if command == ["serve"])[name])[2]
    broker = start_broker("--data", str(tmp_path / "journal"), name, high, *TOGETHER.get(name, []))
    async with Clients(broker) as clients:
        client = await clients.open("w")
        await client.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
        await client.request("interaction.blockMarkdone", "1", "wait")
        bot = await clients.open("w")
        answer = await bot.ask({"event": "subscribe", "data": ["interaction"], "durable": "bot", "since": "beginning"})
        assert answer["durable"] == "bot", answer
        event = await bot.receive_json()
        await bot.ask({"event": "ack", "data": {"offset": event["offset"]}})
        answer = await client.ask({"event": "publish", "data": {"event": "agent", "data": {}}, "messageId": "m"})
        assert "errorCode" not in answer


def test_the_page_of_the_configuration_has_the_same_ranges():
    page = (REPOSITORY / "Docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    for command, name, help_text in NUMBERS:
        if command == ["serve"] and not name.startswith("--tls"):
            [row] = re.findall(rf"^\| .*<br>`{name}` .*$", page, re.MULTILINE)
            assert RANGE.search(help_text)[0] in row, row


EXPORTED = [2**63 - 1, 2**63, -(2**63), 2**65, 1.5]


@pytest.mark.parametrize("number", EXPORTED)
async def test_a_journal_with_a_number_near_the_ends_is_refused_or_served_and_ends_no_broker(start_broker, tmp_path, number):
    """Each number of an export in turn: offsets, times, deadlines, positions."""
    broker = start_broker("--data", str(tmp_path / "journal"))
    async with Clients(broker) as clients:
        client = await clients.open("w")
        for message_id in ["a", "b"]:
            answer = await client.ask(
                {"event": "publish", "data": {"event": "interaction", "data": {"eventType": "IDLE", "interaction": {"interactionId": "1"}}}, "messageId": message_id})
            assert "errorCode" not in answer
        await client.request("interaction.blockMarkdone", "1", "wait")
        bot = await clients.open("w")
        await bot.ask({"event": "subscribe", "data": ["markdone"], "durable": "bot", "since": "beginning"})
    broker.stop()
    export = casebus("journal", "export", "--data", str(tmp_path / "journal")).stdout
    places = [match.span() for match in re.finditer(r"(?<=[:\[,])\d+(?=[,}\]])", export)]
    assert len(places) > 10
    served = 0
    for index, (start, end) in enumerate(places):
        data = str(tmp_path / f"copy-{index}")
        backup = tmp_path / "backup.jsonl"
        backup.write_text(f"{export[:start]}{number}{export[end:]}", encoding="utf-8")
        done = casebus("journal", "import", "--data", data, str(backup))
        assert done.returncode in {0, 1}, (export[start - 40 : end + 10], done)
        if done.returncode == 0:
            served += 1
            await works(start_broker("--data", data, "--drain-seconds", "1"))
    print(f"{number}: {served} of {len(places)} were imported")


async def works(broker):
    async with Clients(broker) as clients:
        client = await clients.open("w")
        for message in [
            {"request": "interaction.getInteractions", "messageId": "a"},
            {"request": "interaction.markdone", "parameters": ["1"]},
            {"request": "interaction.blockMarkdone", "parameters": ["1", "wait"]},
            {"request": "consumer.list"},
            {"event": "publish", "data": {"event": "agent", "data": {}}, "messageId": "b"},
        ]:
            await client.ask(message)
    broker.stop()
    assert broker.process.returncode == 0, broker.error_text()
