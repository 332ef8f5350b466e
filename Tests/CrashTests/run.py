"""One run: a broker, a load of clients over several workspaces, and what they saw."""

import asyncio
import random
import time

from commands import CLIENT, SOURCE, Commands
from history import History, Violation
from roles import Commander, Subscriber

QUIET_SECONDS = 60


class Run:
    """`random_of(name)`: the random numbers of each client come from the run's seed, not from the order of things."""

    def __init__(self, seed, server):
        self.seed = seed
        self.server = server
        self.history = History()
        self.random = self.random_of("run")
        self.roles = []
        self.tasks = []
        self.is_loading = True
        self.is_over = False
        self.failure = None
        self.failed = asyncio.Event()
        # Whether the journal may say that it is not available.
        self.may_refuse = False
        self.bots = []

    def random_of(self, name):
        return random.Random(f"{self.seed}/{name}")

    def fail(self, error):
        self.failure = self.failure or error
        self.failed.set()

    def refusal(self, command):
        if not self.may_refuse:
            self.fail(Violation(f"journal_unavailable, though nothing is wrong with the disk: {command}"))

    # ---- Clients ----

    def add(self, role):
        self.roles.append(role)
        self.tasks.append(asyncio.ensure_future(role.live()))
        return role

    def add_load(self, workspaces, rate=150, window=16):
        """Sources, clients that make requests, and subscribers, for each workspace."""
        for index in range(workspaces):
            workspace, world = f"crash-{index}", []
            for kind, count, makers in (("source", 2, SOURCE), ("client", 1, CLIENT)):
                for number in range(count):
                    name = f"{workspace}-{kind}{number}"
                    commands = Commands(name, workspace, self.random_of(name + "/commands"), world)
                    self.add(Commander(name, workspace, self, commands, makers, rate, window))
            self.add(Subscriber(f"{workspace}-all", workspace, self, is_state_asked=True))
            restless = self.add(Subscriber(f"{workspace}-restless", workspace, self))
            restless.restless_seconds = 0.3
            self.add(Subscriber(f"{workspace}-markdone", workspace, self, names=("markdone",)))

    @property
    def workspaces(self):
        return sorted({role.workspace for role in self.roles if role.workspace != "*"})

    def of(self, kind):
        return [role for role in self.roles if isinstance(role, kind)]

    # ---- Time ----

    async def pause(self, seconds):
        """Lets the clients work; raises what they found wrong."""
        try:
            async with asyncio.timeout(seconds):
                await self.failed.wait()
        except TimeoutError:
            pass
        self.check()

    def check(self):
        if self.failure is not None:
            raise self.failure

    async def until(self, what, condition, seconds=QUIET_SECONDS):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Violation(f"after {seconds} s still not: {what()}")
            self.server.check_alive()
            await self.pause(0.02)

    async def quiesce(self):
        """No new commands; everything that was sent is answered, and everybody has seen every event."""
        self.is_loading = False
        commanders = self.of(Commander)
        await self.until(
            lambda: "answered: " + str([list(c.pending)[:3] for c in commanders if not c.is_done]),
            lambda: all(c.is_done for c in commanders),
        )
        await self.until(lambda: f"all have everything: {self.behind()}", lambda: not self.behind())

    def behind(self):
        ends = {w: self.end_of(w) for w in self.workspaces}
        late = [
            s.name for s in self.of(Subscriber) if s.gets_all and (s.offset or 0) < max(ends[s.workspace], s.stands or 0)
        ]  # fmt: skip
        return late + [text for bot in self.bots if (text := bot.behind())]

    def end_of(self, workspace):
        stream = self.history.streams[workspace]
        return max(stream.acknowledged, max(stream.events, default=0))

    async def finish(self):
        """All clients go."""
        self.is_over = True
        self.server.listening.set()
        await asyncio.gather(*(role.link.close() for role in self.roles if role.link))
        for task in self.tasks:
            task.cancel()
        results = await asyncio.gather(*self.tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
                raise result
