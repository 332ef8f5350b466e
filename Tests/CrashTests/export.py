"""What `casebus journal` says of a data directory when the broker is gone, against what the clients saw."""

import asyncio
import json
from collections import defaultdict

from history import Violation
from server import BINARY

# Between deciding, which sets the deadline, and noting the time of the record, the clock is read twice.
CLOCK_MILLISECONDS = 50

async def journal(command, data):
    """The output of `casebus journal COMMAND`, as bytes."""
    process = await asyncio.create_subprocess_exec(
        BINARY, "journal", command, "--data", str(data), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        text = (output + errors).decode(errors="replace")[-2000:]
        raise Violation(f"casebus journal {command} ends with {process.returncode}: {text}")
    return output


async def check_export(run, data):
    """`verify` finds nothing wrong; `export` has exactly the events that clients saw; no consumer is owed anything.

    The one exception: a block may expire after the last client has gone, and nobody sees that event.
    """
    await journal("verify", data)
    lines = (await journal("export", data)).splitlines()
    counts, positions, blocks = defaultdict(int), {}, defaultdict(list)
    for line in lines:
        if line.startswith(b'{"type":"event",'):
            check_event(run, line, counts)
            if b'"MARKDONE_BLOCK' in line:
                check_block(json.loads(line), blocks)
        elif line.startswith(b'{"type":"position",'):
            position = json.loads(line)
            positions[position["consumer"], position["workspace"]] = position["offset"]
    for workspace, stream in run.history.streams.items():
        if counts[workspace] < len(stream.events):
            raise Violation(f"the export has {counts[workspace]} events of {workspace}, seen were {len(stream.events)}")
    for consumer in {bot.consumer for bot in run.bots}:
        check_positions(consumer, positions, run)
    return sum(counts.values())


def check_event(run, line, counts):
    head, content = line.split(b',"event":', 1)
    record = json.loads(head + b"}")
    workspace, offset = record["workspace"], record["offset"]
    counts[workspace] += 1
    events = run.history.streams[workspace].events
    seen = events.get(offset)
    if offset == counts[workspace] > len(events) and b'"eventType":"MARKDONE_BLOCK_EXPIRED"' in content:
        return
    if offset != counts[workspace] or seen is None or not content.startswith(seen):
        raise Violation(f"the export says {line[:400]!r}, seen was {seen!r}")


def check_block(record, blocks):
    """A block stands until its time is over, also where the broker that set it is gone."""
    data, time = record["data"], record["time"]
    begun = blocks[record["workspace"], data["interactionId"]]
    if data["eventType"] == "MARKDONE_BLOCKED":
        begun.append(time + data["timeout"])
    elif not any(deadline <= time + CLOCK_MILLISECONDS for deadline in begun):
        raise Violation(f"{record} at {time}, too early: the blocks of this interaction end at {begun[-5:]}")


def check_positions(consumer, positions, run):
    """Everything was acknowledged, so nothing that it wants is left after its position."""
    for workspace in run.workspaces if consumer.workspace == "*" else [consumer.workspace]:
        position = positions.get((consumer.name, workspace), 0)
        events = run.history.streams[workspace].events
        left = [o for o in range(position + 1, len(events) + 1) if consumer.wants(events[o])]
        if left:
            raise Violation(f"consumer {consumer.name} is at {position} of {workspace}, but has had {left[:5]}")
