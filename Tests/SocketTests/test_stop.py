"""The graceful stop (Protocol §2.5, limits.json drainSeconds)."""

import asyncio
import json
import signal
import socket
import subprocess
import time

import pytest
from broker_process import BrokerProcess
from clients import Clients, Closed, assertion
from raw_connection import CLOSE, RawConnection

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])


def is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def wait_for_exit(broker, seconds):
    """The exit status, and that it did not take longer."""
    begin = time.monotonic()
    try:
        return broker.wait(seconds)
    except subprocess.TimeoutExpired:
        pass
    raise AssertionError(f"the broker still runs {time.monotonic() - begin:.1f} s after the signal")


@SIGNALS
async def test_every_session_is_closed_with_4000_and_the_exit_status_is_0(start_broker, number):
    broker = start_broker()
    async with Clients(broker) as clients:
        sessions = await clients.open_many("w", 20) + await clients.open_many("v", 10) + await clients.open_many("*", 2)
        for session in sessions[::2]:
            await session.subscribe("interaction")
        ends = [asyncio.create_task(session.closed()) for session in sessions]
        broker.signal(number)
        for end, texts in await asyncio.gather(*ends):
            assert (end.code, end.reason.partition(":")[0]) == (4000, "shutting_down")
            assert texts == []
    assert wait_for_exit(broker, 3) == 0
    assert is_refused(broker.port)


def test_a_broker_without_sessions_stops_at_once(start_broker):
    broker = start_broker()
    broker.signal(signal.SIGTERM)
    assert wait_for_exit(broker, 2) == 0


@SIGNALS
@pytest.mark.parametrize("awaited", [1, 100])
async def test_commands_in_flight_are_answered_before_the_close(start_broker, number, awaited):
    """No gap in the answers: a success for each command that was taken, perhaps `shutting_down` for later ones, and nothing after the close."""
    broker = start_broker()
    count = 400
    async with Clients(broker) as clients:
        sessions = await clients.open_many("w", 4)
        for own, session in enumerate(sessions):
            for command in range(count):
                await session.send(assertion("IDLE", f"{own}.{command % 50}", str(command)))
        received = [[await session.receive() for _ in range(awaited)] for session in sessions]
        broker.signal(number)
        for texts, session in zip(received, sessions):
            end, later = await session.closed()
            assert end.code == 4000
            answers = [json.loads(text) for text in texts + later]
            assert [answer["referenceId"] for answer in answers] == [str(command) for command in range(len(answers))]
            codes = [answer.get("errorCode") for answer in answers]
            assert codes == [None] * codes.count(None) + ["shutting_down"] * codes.count("shutting_down")
            assert len(answers) >= awaited
    assert wait_for_exit(broker, 3) == 0


async def test_what_was_answered_was_seen_by_the_others(start_broker):
    """A command that succeeded made its event: a viewer gets both it and the close frame, in this order."""
    broker = start_broker()
    async with Clients(broker) as clients:
        source, viewer = await clients.open_many("w", 2)
        await viewer.subscribe("agent")
        stopped = False
        succeeded = 0
        try:
            while True:
                answer = await source.ask({"event": "publish", "data": {"event": "agent", "data": {"number": succeeded}}})
                if "errorCode" in answer:
                    assert answer["errorCode"] == "shutting_down"
                    break
                succeeded += 1
                if succeeded == 50:
                    stopped = True
                    broker.signal(signal.SIGTERM)
        except Closed as end:
            assert end.code == 4000
        end, texts = await viewer.closed()
    assert stopped and end.code == 4000
    numbers = [json.loads(text)["data"]["number"] for text in texts]
    assert numbers == list(range(len(numbers)))
    assert succeeded >= 50 and len(numbers) >= 50
    assert wait_for_exit(broker, 3) == 0


@SIGNALS
def test_a_client_that_never_answers_the_close_frame_delays_the_stop_by_drain_seconds_at_most(start_broker, number):
    broker = start_broker("--drain-seconds", "1")
    with RawConnection(broker.port) as stubborn:
        stubborn.open("w")
        broker.signal(number)
        assert stubborn.receive_close()[0] == 4000
        # The listener closed before the sessions.
        assert is_refused(broker.port)
        assert wait_for_exit(broker, 3) == 0


def test_the_drain_seconds_are_used_for_clients_that_take_their_time(start_broker):
    broker = start_broker("--drain-seconds", "4")
    with RawConnection(broker.port) as slow:
        slow.open("w")
        broker.signal(signal.SIGTERM)
        assert slow.receive_close()[0] == 4000
        with pytest.raises(subprocess.TimeoutExpired):
            broker.wait(1)
        slow.send_frame(CLOSE, (4000).to_bytes(2, "big"))
        assert slow.receive_frame() is None
        slow.socket.close()
        assert wait_for_exit(broker, 2) == 0


@pytest.mark.parametrize("what", ["nothing", "part of a request", "a page", "a client that stopped reading"])
def test_connections_that_are_no_sessions_do_not_hinder_the_stop(start_broker, what):
    broker = start_broker("--drain-seconds", "1")
    with RawConnection(broker.port, receive_buffer=4096) as connection:
        if what == "part of a request":
            connection.send(b"GET /v2 HTTP/1.1\r\nHost:")
        elif what == "a page":
            connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.receive_answer()[0] == 200
        elif what == "a client that stopped reading":
            connection.open("w")
            connection.send_text('{"event":"subscribe","data":"agent"}')
            assert "subscriptionId" in connection.receive_text()
            with RawConnection(broker.port) as source:
                source.open("w")
                event = json.dumps({"event": "publish", "data": {"event": "agent", "data": {"x": "x" * 60_000}}, "referenceId": "1"})
                for _ in range(60):
                    source.send_text(event)
                    source.receive_text()
        with RawConnection(broker.port) as page:  # the broker has seen the connection before by now
            page.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            page.receive_end()
        broker.signal(signal.SIGTERM)
        assert wait_for_exit(broker, 4) == 0


async def test_clients_that_connect_all_the_time_do_not_hinder_the_stop(start_broker):
    broker = start_broker("--drain-seconds", "2")
    async with Clients(broker) as clients:
        connected = 0

        async def connect_until_refused():
            nonlocal connected
            while True:
                try:
                    await clients.open("w")
                    connected += 1
                except Exception:  # by what it is refused depends on the moment
                    return

        connecting = [asyncio.create_task(connect_until_refused()) for _ in range(4)]
        while connected < 40:
            await asyncio.sleep(0)
        broker.signal(signal.SIGTERM)
        await asyncio.gather(*connecting)
        ends = [(await client.closed())[0].code for client in clients.opened]
        assert set(ends[:40]) == {4000}
        assert set(ends) <= {4000, 1006}  # the last ones came too late to become sessions
    assert wait_for_exit(broker, 4) == 0


def test_the_port_can_be_used_again_after_the_stop(start_broker):
    broker = start_broker("--drain-seconds", "1")
    with RawConnection(broker.port) as connection:
        connection.open("w")
        broker.stop()
    again = BrokerProcess(port=broker.port)
    try:
        assert again.port == broker.port
        again.stop()
    finally:
        again.kill()
