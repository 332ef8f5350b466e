"""Tests over real sockets, with other people's clients, against the built `casebus`.

Run them from the repository's root: python -m pytest Tests/SocketTests
CASEBUS_BINARY says which binary; else it is .build/debug/casebus.
"""

import asyncio
import inspect
import re
import uuid
from pathlib import Path

import pytest
from broker_process import BINARY, BrokerProcess
from clients import LIBRARIES, Clients

# No single test may take longer.
TEST_SECONDS = 60


def pytest_sessionstart():
    if not Path(BINARY).is_file():
        raise pytest.UsageError(f"there is no {BINARY}: build it (swift build), or say where it is by CASEBUS_BINARY")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs a test that is a coroutine function in an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), TEST_SECONDS))
    return True


class SharedBroker:
    """One broker for many tests. A new one takes its place where a test has brought it down."""

    def __init__(self):
        self.broker = None

    def running(self):
        if self.broker is None or not self.broker.is_running():
            self.broker = BrokerProcess()
        return self.broker

    def stop(self):
        if self.broker is not None and self.broker.is_running():
            self.broker.stop()
            assert "Fatal error" not in self.broker.error_text()


@pytest.fixture(scope="session")
def shared_broker():
    shared = SharedBroker()
    yield shared
    shared.stop()


@pytest.fixture
def broker(shared_broker):
    """The broker that most tests share. Each test keeps to workspaces of its own, and leaves it running."""
    broker = shared_broker.running()
    yield broker
    if not broker.is_running():
        pytest.fail(f"the broker ended with {broker.process.returncode}: {broker.error_text()[:2000]}")


@pytest.fixture
def start_broker():
    """Starts brokers of the test's own: start_broker("--sessions-max", "3"). They must have ended well, or do so at its end."""
    brokers = []

    def start(*options, **arguments):
        brokers.append(BrokerProcess(*options, **arguments))
        return brokers[-1]

    yield start
    try:
        for broker in brokers:
            if broker.is_running():
                broker.stop()
            assert broker.process.returncode == 0, broker.error_text()[:2000]
    finally:
        for broker in brokers:
            broker.kill()


@pytest.fixture
def new_workspace(request):
    """Makes ids of workspaces that nothing else uses."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", request.node.name)[:40]
    return lambda: f"{name}.{uuid.uuid4().hex[:12]}"


@pytest.fixture
def workspace(new_workspace):
    return new_workspace()


@pytest.fixture(params=list(LIBRARIES))
def library(request):
    """The name of a client library: the test runs with each."""
    return request.param


@pytest.fixture
def clients(broker, library):
    """Of the shared broker: `async with clients:` in the test, then `await clients.open(workspace)`."""
    return Clients(broker, library)
