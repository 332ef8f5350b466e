"""The five lines of Python with which anybody can watch the bus (package `websockets`)."""

import json
import re
import subprocess
import sys

import pytest
from broker_process import REPOSITORY, read_line
from clients import END, Clients

FIVE_LINES = """\
import json, websockets.sync.client
with websockets.sync.client.connect("ws://127.0.0.1:8080/v2", max_size=2**24) as bus:
    bus.send(json.dumps({"event": "subscribe", "data": ["interaction", "markdone"]}))
    for message in bus:
        print(message)
"""


def programs():
    """These five lines, and what the README shows, if it does."""
    readme = REPOSITORY / "README.md"
    shown = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL) if readme.exists() else []
    return [FIVE_LINES] + [program for program in shown if "websockets" in program]


@pytest.mark.parametrize("program", programs(), ids=["here", "README"][: len(programs())])
async def test_five_lines_of_python_print_case_state_and_markdone_events(start_broker, program):
    assert len(program.strip().splitlines()) == 5
    broker = start_broker()
    program, replaced = re.subn(r"ws://[^\"'?]*", broker.url, program)
    assert replaced == 1
    with subprocess.Popen([sys.executable, "-u", "-c", program], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as viewer:
        try:
            assert re.fullmatch(r'\{("referenceId":[^,]*,)?"subscriptionId":"[^"]+",' + re.escape(END) + "\n", read_line(viewer))
            async with Clients(broker) as clients:
                desktop = await clients.open("default")
                for state in ["RINGING", "TALKING"]:
                    await desktop.publish("interaction", {"eventType": state, "interaction": {"interactionId": "1"}})
                await desktop.request("interaction.selectCaseByCaseId", "1")
                await desktop.publish("interaction", {"eventType": "IDLE", "interaction": {"interactionId": "1"}})
                await desktop.request("interaction.blockMarkdone", "1", "wait")
                await desktop.request("interaction.unblockMarkdone", "1")
                await desktop.request("interaction.markdone", "1")
            expected = "RINGING TALKING CASE_EXPANDED CASE_SELECTED IDLE MARKDONE_BLOCKED MARKDONE_UNBLOCKED MARKED_DONE COMPLETED CASE_CLOSED".split()
            printed = [json.loads(read_line(viewer)) for _ in expected]
            assert [message["data"]["eventType"] for message in printed] == expected
            assert all(message["userAgent"] == "WWE Server" for message in printed)
        finally:
            viewer.kill()
