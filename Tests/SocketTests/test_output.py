"""Standard output that cannot be written, or that nobody reads any more: it is noticed, said, and nothing is acknowledged that was not written."""

import json
import os
import resource
import signal
import subprocess

import pytest
from broker_process import BINARY, DEVTOOLS, PATIENCE, read_line
from clients import Clients

# Docs/operating/commands.md
CANNOT_WRITE = 74
READER_GONE = 141


def casebus(*arguments, stdout, text=None):
    return subprocess.run(
        [DEVTOOLS if arguments[0] == "echo-server" else BINARY, *map(str, arguments)], input=text, stdin=subprocess.DEVNULL if text is None else None, stdout=stdout, stderr=subprocess.PIPE, text=True,
        timeout=PATIENCE,
    )


def run(*arguments):
    done = casebus(*arguments, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def into_full_disk(*arguments):
    with open("/dev/full", "wb") as full:
        return casebus(*arguments, stdout=full)


def into_closed_pipe(*arguments):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return casebus(*arguments, stdout=writer)
    finally:
        os.close(writer)


@pytest.fixture
def on(start_broker, tmp_path):
    """A broker with eight events of an agent and a consumer that has them before it; the options for it."""
    broker = start_broker("--data", str(tmp_path / "journal"))
    on = ["--url", broker.url, "--workspace", "w"]
    lines = "".join('{"event":"agent","data":{"n":%d}}\n' % n for n in range(8))
    assert casebus("publish", *on, stdout=subprocess.DEVNULL, text=lines).returncode == 0
    run("subscribe", *on, "--events", "agent", "--durable", "bot", "--since", "beginning", "--count", 1)
    return on


def commands(on, data):
    return {
        "call": ["call", *on, "interaction.getInteractions"],
        "consumer list": ["consumer", "list", *on],
        "consumer get": ["consumer", "get", *on, "bot"],
        "subscribe": ["subscribe", *on, "--events", "agent", "--since", "beginning"],
        "subscribe --reconnect": ["subscribe", *on, "--events", "agent", "--since", "beginning", "--reconnect"],
        "subscribe --ack": ["subscribe", *on, "--events", "agent", "--durable", "bot", "--ack"],
        "journal info": ["journal", "info", "--data", data],
        "journal tail": ["journal", "tail", "--data", data],
        "journal tail -f": ["journal", "tail", "-f", "--data", data],
        "journal verify": ["journal", "verify", "--data", data],
        "journal export": ["journal", "export", "--data", data],
        "serve": ["serve", "--journal", "memory", "--port", "0"],
        "demo": ["demo", "--journal", "memory", "--port", "0"],
        "echo-server": ["echo-server", "--port", "0"],
        "--help": ["--help"],
        "call --help": ["call", "--help"],
        "--version": ["--version"],
    }


NAMES = list(commands([], ""))


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_said_and_ends_with_its_status(on, tmp_path, name):
    done = into_full_disk(*commands(on, tmp_path / "journal")[name])
    assert done.returncode == CANNOT_WRITE, done
    assert "standard output cannot be written: No space left on device" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_closed_pipe_ends_quietly(on, tmp_path, name):
    done = into_closed_pipe(*commands(on, tmp_path / "journal")[name])
    assert done.returncode == READER_GONE, done
    assert all(line.startswith(("exporting", "checking")) or "info" in line for line in done.stderr.splitlines()), done.stderr


def test_import_says_that_it_could_not_say_what_it_did(on, tmp_path):
    backup = tmp_path / "backup.jsonl"
    backup.write_text(run_export(tmp_path / "journal"))
    done = into_full_disk("journal", "import", "--data", tmp_path / "copy", backup)
    assert done.returncode == CANNOT_WRITE
    verified = casebus("journal", "verify", "--data", tmp_path / "copy", stdout=subprocess.PIPE)
    assert (verified.returncode, verified.stdout) == (0, "the journal is as it should be\n")


def run_export(data):
    return casebus("journal", "export", "--data", data, stdout=subprocess.PIPE).stdout


@pytest.mark.parametrize("into", [into_full_disk, into_closed_pipe])
@pytest.mark.parametrize("options", [[], ["--reconnect"]], ids=["once", "reconnect"])
def test_nothing_is_acknowledged_that_was_not_written(on, into, options):
    before = json.loads(run("consumer", "get", *on, "bot"))["position"]
    into("subscribe", *on, "--events", "agent", "--durable", "bot", "--ack", *options)
    after = json.loads(run("consumer", "get", *on, "bot"))
    assert (after["position"], after["backlog"]) == (before, 8)


def test_what_is_acknowledged_is_what_was_written_when_the_disk_is_full_in_between(on, tmp_path):
    """A file that may not get longer, as by `ulimit -f`, is full after some events."""
    file = tmp_path / "events.jsonl"
    line = run("subscribe", *on, "--events", "agent", "--since", "beginning", "--count", 1)
    with open(file, "wb") as output:
        limit = 3 * len(line) + 10
        arguments = ["subscribe", *on, "--events", "agent", "--durable", "bot", "--ack"]
        done = subprocess.run(
            [BINARY, *arguments], stdout=output, stderr=subprocess.PIPE, text=True, timeout=PATIENCE,
            preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
        )
    assert done.returncode == CANNOT_WRITE and "File too large" in done.stderr, done
    written = file.read_text().count("\n")
    assert 0 < written < 8
    assert json.loads(run("consumer", "get", *on, "bot"))["position"] == written


async def test_subscribe_ends_when_its_reader_does_also_if_nothing_comes(start_broker):
    broker = start_broker()
    async with Clients(broker) as clients:
        source = await clients.open("w")
        for options in [[], ["--reconnect"], ["--workspace", "*"]]:
            command = [BINARY, "subscribe", "--url", broker.url, *(options if "--workspace" in options else [*options, "--workspace", "w"])]
            process = subprocess.Popen([*command, "--events", "messenger:a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
            try:
                await publish_until_printed(source, process)
                process.stdout.close()
                assert process.wait(PATIENCE) == READER_GONE
                assert process.stderr.read() == b""
            finally:
                process.kill()


async def publish_until_printed(source, process):
    for _ in range(300):
        await source.publish("messenger:a", 1)
        try:
            return read_line(process, 0.05)
        except AssertionError:
            pass
    raise AssertionError("casebus subscribe prints nothing")


def test_tail_ends_when_its_reader_does(on, tmp_path):
    process = subprocess.Popen([BINARY, "journal", "tail", "-f", "--data", tmp_path / "journal"], stdout=subprocess.PIPE, bufsize=0)
    read_line(process)
    process.stdout.close()
    try:
        assert process.wait(PATIENCE) == READER_GONE
    finally:
        process.kill()


def test_a_broker_without_standard_streams_writes_into_nothing_else(tmp_path):
    """The journal's file must not get the number of a stream that was closed: log lines would be written into it."""
    process = subprocess.Popen(
        ["sh", "-c", f'exec "{BINARY}" serve --port 0 --log-level trace --data "{tmp_path}/journal" <&- 2>&-'], stdout=subprocess.PIPE, bufsize=0)
    try:
        assert read_line(process).startswith("Casebus is listening")
        descriptors = {number: os.readlink(f"/proc/{process.pid}/fd/{number}") for number in (0, 2)}
        assert descriptors == {0: "/dev/null", 2: "/dev/null"}
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.stdout.close()
    done = subprocess.run(["sh", "-c", f'exec "{BINARY}" journal info --data "{tmp_path}/journal" >&-'], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == CANNOT_WRITE and "Bad file descriptor" in done.stderr


# What publish reads


@pytest.mark.parametrize(("text", "words"), [
    (b'{"event":"agent","data":{}}\n\n{"event":"agent","data":{"x":"Z\xfcrich"}}\n', ["line 3", "byte 32", "FC", "UTF-8"]),
    (b'{"event":"agent","data":"\xed\xa0\x80"}', ["line 1", "byte 26", "ED", "UTF-8"]),
    ('{"event":"agent","data":{}}\n'.encode("utf-16"), ["standard input", "UTF-16", "UTF-8"]),
    ('{"event":"agent","data":{}}\n'.encode("utf-16-be"), ["standard input", "UTF-16", "UTF-8"]),
    ('\ufeff{"event":"agent","data":{}}\n'.encode("utf-16-be"), ["standard input", "UTF-16", "UTF-8"]),
    ('{"event":"agent","data":{}}\n'.encode("utf-32"), ["standard input", "UTF-32", "UTF-8"]),
    (b'{"event":"agent","data":"' + b"x" * (17 << 20), ["line 1", "16777216", "clientMessageBytesMax"]),
])
def test_publish_refuses_what_is_not_utf8(broker, workspace, text, words):
    done = subprocess.run([BINARY, "publish", "--url", broker.url, "--workspace", workspace], input=text, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (1, b"")
    for word in words:
        assert word in done.stderr.decode(), done.stderr


def test_publish_skips_a_byte_order_mark_and_takes_the_line_ends_of_windows(broker, workspace):
    text = '\ufeff{"event":"agent","data":{"x":"Zürich"}}\r\n\r\n{"event":"agent","data":{}}\r\n'.encode()
    done = subprocess.run([BINARY, "publish", "--url", broker.url, "--workspace", workspace], input=text, capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"published 2 events\n")


@pytest.mark.parametrize("arguments", [[b"publish", b"agent", b'{"x":"Z\xfcrich"}'], [b"call", b"interaction.getByInteractionId", b"Z\xfcrich"]])
def test_arguments_that_are_not_utf8_are_refused(broker, arguments):
    done = subprocess.run([BINARY.encode(), *arguments, b"--url", broker.url.encode()], capture_output=True, timeout=PATIENCE)
    assert (done.returncode, done.stdout) == (64, b"")
    assert b"argument " in done.stderr and b"FC, which is not UTF-8" in done.stderr
