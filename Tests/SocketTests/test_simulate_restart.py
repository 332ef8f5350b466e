"""`casebus simulate` waits for a broker that goes away, and goes on with its scenario."""

import re
import subprocess
import time

import pytest
from broker_process import BINARY, PATIENCE, BrokerProcess
from clients import Clients


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("journal", ["sqlite", "memory"])
async def test_it_goes_on_after_a_restart(tmp_path, journal, end):
    options = ["--drain-seconds", "1", "--block-markdone-timeout", "2000", *(["--data", str(tmp_path / "journal")] if journal == "sqlite" else ["--journal", "memory"])]
    broker = BrokerProcess(*options)
    simulation = subprocess.Popen(
        [BINARY, "simulate", "--url", broker.url, "--agents", "2", "--rate", "200", "--duration", "8"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        async with Clients(broker) as clients:
            await clients.open("*")
            await heard(clients, 60)
        for _ in range(2):
            broker.stop() if end == "stop" else broker.kill()
            time.sleep(0.3)
            broker = BrokerProcess(*options, "--port", str(broker.port))
            async with Clients(broker) as clients:
                await heard(clients, 60)
        output, errors = simulation.communicate(timeout=4 * PATIENCE)
        assert (simulation.returncode, output) == (0, ""), errors
        last = errors.splitlines()[-1]
        assert "errors 0" in last, errors
        assert int(re.search(r"connected again (\d+)", last)[1]) >= 2, errors
        assert "connecting again" in errors
        async with Clients(broker) as clients:
            for workspace in ["agent-1", "agent-2"]:
                assert await (await clients.open(workspace)).request("interaction.getInteractions") == []
    finally:
        simulation.kill()
        simulation.wait()
        broker.kill()


async def heard(clients, count):
    monitor = await clients.open("*")
    await monitor.subscribe("interaction")
    for _ in range(count):
        await monitor.receive_json()
