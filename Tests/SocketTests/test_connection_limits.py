"""Connections without end, and a process that may have no more files (Protocol §2.6, §12: connectionsMax, connectionsPerAddressMax)."""

import os
import re
import resource
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from broker_process import BINARY, PATIENCE
from over_tls import OVER_TLS
from raw_connection import RawConnection, opening_handshake

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def processor_seconds(broker):
    fields = Path(f"/proc/{broker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def allow_files(broker, count):
    """Sets the soft limit of a running broker."""
    hard = resource.prlimit(broker.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(broker.pid, resource.RLIMIT_NOFILE, (count, hard))
    return hard


def lines_of(broker, words):
    return [line for line in broker.error_text().splitlines() if words in line]


def wait_until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_without_files_the_broker_waits_says_so_once_and_goes_on(start_broker):
    broker = start_broker()
    with RawConnection(broker.port) as open_before, ExitStack() as stack:
        open_before.open("w")
        hard = allow_files(broker, broker.open_files() + 2)
        for _ in range(40):
            stack.enter_context(socket.create_connection(("127.0.0.1", broker.port)))
        wait_until(lambda: lines_of(broker, "cannot be accepted"), "nothing in the log")
        begin = processor_seconds(broker)
        time.sleep(2)
        used = processor_seconds(broker) - begin
        print(f"{used / 2:.1%} of a core while no file is left")
        assert used < 0.3, used
        open_before.send_text('{"request":"interaction.getInteractions","referenceId":"1"}')
        assert '"data":[]' in open_before.receive_text()
        # Connections that come and go at the limit are still the same trouble.
        allow_files(broker, broker.open_files() + 1)
        time.sleep(0.5)
        [line] = lines_of(broker, "cannot be accepted")
        assert " error " in line and "Too many open files" in line and "ulimit -n" in line and "--connections-max" in line
        allow_files(broker, hard)
        time.sleep(5.5)  # AcceptBackoff.quietTime
        with RawConnection(broker.port) as late:
            late.open("w")
            wait_until(lambda: lines_of(broker, "accepted again"), "nothing in the log")
        assert len(lines_of(broker, "accepted again")) == 1


def answer_or_end(connection):
    try:
        connection.send(opening_handshake(connection.port, "/v2"))
        return connection.receive_answer()
    except (AssertionError, OSError):
        return None, {}, ""  # so many are being refused that this one is dropped


@pytest.mark.skipif(OVER_TLS, reason="the same over TLS, with more files")
def test_there_are_no_more_connections_than_files(tmp_path):
    """The default of connectionsMax fits the limit of the process, so that the journal has files left."""
    process = subprocess.Popen(
        ["prlimit", "--nofile=320:320", BINARY, "serve", "--data", str(tmp_path / "data"), "--port", "0", "--log-level", "warning"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        port = int(re.search(r":(\d+)/v2", process.stdout.readline())[1])
        with ExitStack() as stack:
            connections = [stack.enter_context(RawConnection(port)) for _ in range(300)]
            answers = [answer_or_end(connection) for connection in connections]
            opened = [connection for connection, answer in zip(connections, answers) if answer[0] == 101]
            bodies = {answer[2] for answer in answers if answer[0] == 503}
            assert 100 < len(opened) < 160
            assert {f"{len(opened)} connections are open, allowed are {len(opened)} (connectionsMax)\n"} == bodies
            message = '{"event":"publish","data":{"event":"agent","data":{"a":1}},"referenceId":"1"}'
            opened[-1].send_text(message)
            assert '"data":null' in opened[-1].receive_text()
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE)
    lines = errors.splitlines()
    assert len(lines) == 1 and "(connectionsMax)" in lines[0] and "connections are refused" in lines[0], errors


@pytest.mark.parametrize("option", ["--sessions-max", "--connections-max", "--connections-per-address-max"])
def test_a_number_of_connections_above_the_limit_of_files_is_said_at_the_start(option):
    process = subprocess.Popen(
        ["prlimit", "--nofile=300:300", BINARY, "serve", "--journal", "memory", "--port", "0", option, "1000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    process.stdout.readline()
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE)
    assert re.search(rf"warning .*{option} is 1000, but there is room for 1?\d\d connections: this process may have 300 files open", errors), errors
    assert "ulimit -n" in errors


def test_too_many_connections_name_the_limit_and_its_value(start_broker):
    broker = start_broker("--connections-max", "3")
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(RawConnection(broker.port)).open("w")
        late = stack.enter_context(RawConnection(broker.port))
        late.send(opening_handshake(broker.port, "/v2"))
        status, _, body = late.receive_answer()
        assert (status, body) == (503, "3 connections are open, allowed are 3 (connectionsMax)\n")
        [line] = lines_of(broker, "connections are refused")
        assert " warning " in line and "reason=3 connections are open, allowed are 3 (connectionsMax) refused=1" in line
