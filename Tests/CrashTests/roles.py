"""The clients: each lives through any number of brokers, and goes on where it was."""

import asyncio
import json
from collections import deque

from history import JOURNALED, Violation
from link import Link, NotOpened

PAUSE_SECONDS = 0.01


class Role:
    """One client. Subclasses say what it sends when a connection is open, and what it makes of a message."""

    def __init__(self, name, workspace, run):
        self.name = name
        self.workspace = workspace
        self.run = run
        self.history = run.history
        self.random = run.random_of(name)
        self.link = None
        self.connections = 0
        # Ends its own connections now and then: the mean time between, seconds; None: never.
        self.restless_seconds = None

    async def live(self):
        """Connects, again and again, until the run is over."""
        while not self.run.is_over:
            await self.run.server.listening.wait()
            port = self.run.server.port
            if port is None:
                continue
            try:
                self.link = await Link.open(port, f"/v2?workspace={self.workspace}", self.guarded)
            except NotOpened:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            await self.session(self.link)

    async def session(self, link):
        self.connections += 1
        self.opened()
        leaving = asyncio.ensure_future(self.leave_sometime(link)) if self.restless_seconds else None
        await link.ended
        if leaving:
            leaving.cancel()
        self.closed(link.close_code)

    async def leave_sometime(self, link):
        await asyncio.sleep(self.random.expovariate(1 / self.restless_seconds))
        if self.random.random() < 0.5:
            link.abort()
        else:
            await link.close()

    def guarded(self, text):
        """A violation ends the run, not this connection only."""
        if self.run.failure is not None:
            return
        try:
            self.received(text)
        except Exception as error:  # also what is not JSON, or not what was expected
            self.run.fail(error if isinstance(error, Violation) else Violation(f"{self.name}: {error!r} at {text[:500]!r}"))

    def send(self, message):
        self.link.send(message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")))

    def opened(self):
        raise NotImplementedError

    def received(self, text):
        raise NotImplementedError

    def closed(self, code):
        """The connection is over."""


class Commander(Role):
    """Sends commands, so many at a time, and sends those again that were not answered when the connection ended."""

    SUBSCRIBE = {"event": "subscribe", "data": "messenger:quiet", "positions": True, "referenceId": "positions"}

    def __init__(self, name, workspace, run, commands, makers, rate, window):
        super().__init__(name, workspace, run)
        self.commands = commands
        self.makers = makers
        self.window = window
        self.pause_seconds = 1 / rate if rate else 0
        self.pending = {}
        self.recent = deque(maxlen=50)
        self.awaited = {}  # answers to messages that were sent again though they had been answered
        self.timer = None
        # Commands that the journal refused: sent again (True) or given up (False).
        self.persists = True

    def opened(self):
        self.send(self.SUBSCRIBE)
        self.awaited.clear()
        for command in list(self.pending.values()):
            self.transmit(command)
        if self.recent and self.random.random() < 0.5:
            self.repeat(self.random.choice(self.recent))
        self.go_on()

    def closed(self, code):
        if self.timer:
            self.timer.cancel()
            self.timer = None

    def transmit(self, command):
        command.sent += 1
        self.send(command.text)

    def repeat(self, command):
        """What was answered already must be answered the same again, without effect."""
        if command.message_id not in self.awaited:
            self.awaited[command.message_id] = command
            self.transmit(command)

    def go_on(self):
        """The next commands, as far as the window goes: a burst or just one."""
        self.timer = None
        if not self.link.is_open:
            return
        burst = self.random.randint(1, self.window)
        while len(self.pending) < burst and self.run.is_loading:
            command = self.commands.next(self.makers)
            self.history.commands[command.message_id] = command
            self.pending[command.message_id] = command
            self.transmit(command)
        if self.run.is_loading:
            delay = self.random.expovariate(1 / self.pause_seconds) * burst if self.pause_seconds else 0
            self.timer = asyncio.get_running_loop().call_later(delay, self.go_on)

    def received(self, text):
        message = json.loads(text)
        reference = message.get("referenceId")
        if reference == "positions":
            self.history.position(self.name, self.workspace, text)
        elif (command := self.awaited.pop(reference, None)) is not None:
            self.answered_again(command, message, text)
        elif (command := self.pending.get(reference)) is not None:
            self.answered(command, message, text)
        else:
            self.history.violation(f"{self.name}: nobody asked for {text!r}")

    def answered_again(self, command, message, text):
        if message.get("errorCode") not in ("journal_unavailable", "shutting_down"):
            self.history.answered(command, text)

    def answered(self, command, message, text):
        code = message.get("errorCode")
        if code == "shutting_down":
            return  # nothing was done; it is sent again to the next broker
        if code == "journal_unavailable":
            return self.refused(command)
        del self.pending[command.message_id]
        self.history.answered(command, text)
        self.recent.append(command)
        if self.random.random() < 0.02:
            self.repeat(command)

    def refused(self, command):
        command.refused += 1
        self.history.counts["commands refused"] += 1
        self.run.refusal(command)
        if self.persists:
            asyncio.get_running_loop().call_later(0.1, self.again, self.link, command.message_id)
        else:
            command.abandoned = True
            del self.pending[command.message_id]

    def again(self, link, message_id):
        # On a new connection it was sent again already.
        if link is self.link and message_id in self.pending:
            self.transmit(self.pending[message_id])

    @property
    def is_done(self):
        return not self.pending and not self.awaited


class Subscriber(Role):
    """Sees every event of its names once, in order, whatever happens; asks for the state now and then."""

    def __init__(self, name, workspace, run, names=JOURNALED, is_state_asked=False):
        super().__init__(name, workspace, run)
        self.names = names
        self.is_state_asked = is_state_asked
        self.offset = None  # of the newest event that it knows of
        self.subscribed = False
        # Where the workspace stood when it subscribed.
        self.stands = None
        # Offsets that it got, where it does not get all.
        self.offsets = []

    @property
    def gets_all(self):
        return self.names == JOURNALED

    def opened(self):
        self.subscribed = False
        epoch = self.history.streams[self.workspace].epoch
        since = "beginning" if self.offset is None else {"epoch": epoch, "offset": self.offset}
        self.send({"event": "subscribe", "data": list(self.names), "since": since, "referenceId": "subscribe"})
        self.ask_state()

    def ask_state(self):
        if self.is_state_asked and self.link.is_open:
            self.send({"request": "interaction.getInteractions", "referenceId": "state"})
            asyncio.get_running_loop().call_later(self.random.uniform(0.05, 0.5), self.ask_state)

    def received(self, text):
        if text.startswith(b'{"event":'):
            self.event_received(text)
        elif text.startswith(b'{"referenceId":"state","data":'):
            self.history.state(self.name, self.workspace, text)
        elif text.startswith(b'{"referenceId":"subscribe","subscriptionId":'):
            self.answer_received(text)
        elif b'"errorCode":"shutting_down"' in text:
            pass  # it asks the next broker
        elif b'"errorCode":"journal_unavailable"' in text:
            self.run.refusal(None)
            if text.startswith(b'{"referenceId":"subscribe"'):
                asyncio.get_running_loop().call_later(0.1, self.link.abort)
        else:
            self.history.violation(f"{self.name}: unexpected {text!r}")

    def answer_received(self, text):
        stands = self.history.position(self.name, self.workspace, text)
        if b',"recovered":true,' not in text:
            self.history.violation(f"{self.name}: not recovered at {self.offset}: {text!r}")
        if stands < (self.offset or 0):
            self.history.violation(f"{self.name}: stood at {self.offset}, but {self.workspace} stands at {stands}")
        self.subscribed = True
        self.stands = stands
        self.offset = self.offset or 0
        self.history.counts["resumes"] += 1

    def event_received(self, text):
        if not self.subscribed:
            self.history.violation(f"{self.name}: an event before the answer to subscribe: {text[:300]!r}")
        offset, name = self.history.event(self.name, self.workspace, text)
        if name not in self.names:
            self.history.violation(f"{self.name}: did not want {name}")
        if offset <= self.offset:
            self.history.violation(f"{self.name}: event {offset} of {self.workspace} again, or too late, after {self.offset}")
        if self.gets_all and offset != self.offset + 1:
            self.history.violation(f"{self.name}: event {offset} of {self.workspace} after {self.offset}")
        self.offset = offset
        if not self.gets_all:
            self.offsets.append(offset)
