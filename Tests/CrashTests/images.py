"""Copies of a data directory, taken under load, and what a broker that starts on one of them must say."""

import asyncio
import json
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from checker import WorkspaceCheck
from history import Violation
from roles import Role, Subscriber
from run import Run
from server import BrokerFailed, Server

@dataclass
class Image:
    """What a broker had written at one moment, and what clients knew of it then."""

    folder: Path
    # By workspace: the furthest offset that a client had been told of by an event or an answer.
    told: dict = field(default_factory=dict)
    damage: str = "none"

    def damaged(self, folder, how):
        shutil.copytree(self.folder, folder)
        return Image(folder, dict(self.told), how)

    @property
    def log(self):
        """The write-ahead log; None where there is none."""
        return next(iter(self.folder.glob("*-wal")), None)

    def unmoved(self):
        """
        Where that part of the log begins that was not yet moved into the database (sqlite.org/walformat.html: nBackfill
        in the -shm file). No crash takes the part before it away: it was synced before it was moved.
        """
        page_bytes = int.from_bytes(self.log.read_bytes()[8:12], "big")
        index = self.log.with_name(self.log.name.removesuffix("-wal") + "-shm").read_bytes()
        return 32 + int.from_bytes(index[96:100], sys.byteorder) * (24 + page_bytes)


async def take_image(run, data, folder):
    """While the broker stands still, so that the files are of one moment, as those of a broker that was killed."""
    run.server.process.send_signal(signal.SIGSTOP)
    try:
        told = {w: run.end_of(w) for w in run.workspaces}
        await asyncio.to_thread(shutil.copytree, data, folder)
    finally:
        run.server.process.send_signal(signal.SIGCONT)
    return Image(folder, told)


class Future(Role):
    """Resumes from a position that the image has not reached: that cannot be whole."""

    def __init__(self, workspace, epoch, offset, run):
        super().__init__(f"{workspace}-future", workspace, run)
        self.epoch = epoch
        self.offset = offset
        self.answer = None

    def opened(self):
        since = {"epoch": self.epoch, "offset": self.offset}
        self.send({"event": "subscribe", "data": "agent", "since": since, "referenceId": "subscribe"})

    def received(self, text):
        self.answer = json.loads(text)


async def check_image(image, history, options):
    """
    A broker on the image begins without help and has, of every workspace, the first so many events as they were:
    all that clients had been told of if nothing is damaged. Its states are those of these events.
    Gives by workspace how many events there are.
    """
    server = Server(*options)
    run = Run("image", server)
    try:
        await server.start()
        readers = {w: run.add(Subscriber(f"{w}-reader", w, run, is_state_asked=True)) for w in image.told}
        await run.until(
            lambda: f"readers of {image.folder} (damage: {image.damage}) at {[(r.name, r.offset) for r in readers.values()]}",
            lambda: not run.behind() and all(r.stands is not None for r in readers.values()) and states_told(run),
        )
        ends = {w: r.offset for w, r in readers.items()}
        await check_futures(run, image, history, ends)
        await run.finish()
        await server.stop()
    except (Violation, BrokerFailed) as error:
        raise Violation(f"image {image.folder}, damage: {image.damage}: {error}") from None
    finally:
        await server.end()
    for workspace, end in ends.items():
        check_prefix(image, workspace, history.streams[workspace], run.history.streams[workspace], end)
    return {w: end for w, end in ends.items() if run.history.streams[w].epoch == history.streams[w].epoch}


def states_told(run):
    return all(s.states for s in run.history.streams.values())


def check_prefix(image, workspace, whole, found, end):
    where = f"image {image.folder}, damage: {image.damage}: {workspace}"
    if image.damage != "none" and found.epoch != whole.epoch and end == 0:
        return  # So little of the log is left that the journal begins anew, and says so by its epoch.
    if found.epoch != whole.epoch:
        raise Violation(f"{where}: the epoch is {found.epoch}, it was {whole.epoch}")
    if image.damage == "none" and end < image.told[workspace]:
        raise Violation(f"{where}: has {end} events, clients had been told of {image.told[workspace]}")
    # Block timers go on where the image is: events of this broker may follow.
    common = min(end, max(whole.events, default=0))
    for offset in range(1, common + 1):
        if offset in whole.events and found.events[offset] != whole.events[offset]:
            if b'"MARKDONE_BLOCK_EXPIRED"' in found.events[offset]:
                break
            raise Violation(f"{where}: event {offset} is {found.events[offset]!r}, was {whole.events[offset]!r}")
    check = WorkspaceCheck(workspace, found, [])
    check.gapless(end)
    check.states()


async def check_futures(run, image, history, ends):
    """Where events are gone, clients that had them are told so."""
    late = {w: image.told[w] for w, end in ends.items() if end < image.told[w]}
    futures = [run.add(Future(w, history.streams[w].epoch, offset, run)) for w, offset in late.items()]
    await run.until(lambda: "answers to those ahead", lambda: all(f.answer for f in futures))
    for future in futures:
        if future.answer.get("recovered") is not False:
            raise Violation(f"{future.name}: is at {future.offset}, ahead of all, but was told {future.answer}")
