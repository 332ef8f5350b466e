"""Bots: sessions of durable consumers, which must get every event at least once (Protocol §9.3 to §9.5)."""

import asyncio
import re
from collections import defaultdict

from roles import Role

WORKSPACE = re.compile(rb',"workspaceId":"([^"]+)","offset":')
UNACKNOWLEDGED_MAX = 256  # maxUnacknowledged of limits.json


class Consumer:
    """What the sessions of one durable name got, together."""

    def __init__(self, name, workspace, names, history):
        self.name = name
        self.workspace = workspace
        self.names = names
        self.history = history
        self.sessions = 0
        self.got = defaultdict(set)  # workspace: offsets
        self.whole = defaultdict(int)  # workspace: everything up to here was got, or is not wanted

    def wants(self, content):
        return content[1 : content.index(b'"', 1)].decode() in self.names

    def missing(self, workspace):
        """The first wanted event that no session got; None if there is none."""
        events = self.history.streams[workspace].events
        got = self.got[workspace]
        while (offset := self.whole[workspace] + 1) in events:
            if offset not in got and self.wants(events[offset]):
                return offset
            self.whole[workspace] = offset
        return None


class Bot(Role):
    def __init__(self, consumer, number, run):
        super().__init__(f"bot-{consumer.name}-{number}", consumer.workspace, run)
        self.consumer = consumer
        consumer.sessions += 1
        self.acknowledged = defaultdict(int)  # durable: what this session was told
        self.unacknowledged = defaultdict(list)
        self.asked = 0
        run.bots.append(self)

    def opened(self):
        self.unacknowledged.clear()
        self.send({
            "event": "subscribe", "data": list(self.consumer.names), "durable": self.consumer.name,
            "since": "beginning", "referenceId": "subscribe",
        })  # fmt: skip

    def behind(self):
        """What it has still to get and to acknowledge, for people; empty if nothing."""
        workspaces = self.run.workspaces if self.workspace == "*" else [self.workspace]
        missing = {w: offset for w in workspaces if (offset := self.consumer.missing(w))}
        waiting = {w: offsets[:5] for w, offsets in self.unacknowledged.items() if offsets}
        parts = [f"never got {missing}"] if missing else []
        parts += [f"has not acknowledged {waiting}"] if waiting else []
        return f"{self.name} {' and '.join(parts)}" if parts else ""

    def received(self, text):
        if text.startswith(b'{"event":'):
            self.event_received(text)
        elif text.startswith(b'{"referenceId":"ack '):
            self.ack_answered(text)
        elif b'"errorCode":"shutting_down"' in text:
            pass
        elif not text.startswith(b'{"referenceId":"subscribe","subscriptionId":'):
            if b'"errorCode":"journal_unavailable"' not in text:
                self.history.violation(f"{self.name}: unexpected {text!r}")
            self.run.refusal(None)
            asyncio.get_running_loop().call_later(0.1, self.link.abort)

    def event_received(self, text):
        workspace = WORKSPACE.search(text)[1].decode() if self.workspace == "*" else self.workspace
        offset, name = self.history.event(self.name, workspace, text)
        if name not in self.consumer.names:
            self.history.violation(f"{self.name}: did not want {name}")
        waiting = self.unacknowledged[workspace]
        if self.consumer.sessions == 1:
            self.check_sole(workspace, offset, waiting)
        self.consumer.got[workspace].add(offset)
        waiting.append(offset)
        if len(waiting) == 1:
            delay = self.random.uniform(0, 0.05)
            asyncio.get_running_loop().call_later(delay, self.acknowledge, self.link, workspace)

    def check_sole(self, workspace, offset, waiting):
        """What holds only where no other session has a part in it."""
        if offset <= self.acknowledged[workspace]:
            durable = self.acknowledged[workspace]
            self.history.violation(f"{self.name}: event {offset} of {workspace} again, {durable} was acknowledged")
        if waiting and offset <= waiting[-1]:
            self.history.violation(f"{self.name}: event {offset} of {workspace} after {waiting[-1]}")
        if len(waiting) >= UNACKNOWLEDGED_MAX:
            self.history.violation(f"{self.name}: {len(waiting) + 1} events of {workspace} are not acknowledged")

    def acknowledge(self, link, workspace):
        """Everything that it has, or a first part."""
        waiting = self.unacknowledged[workspace]
        if link is not self.link or not link.is_open or not waiting:
            return
        count = len(waiting) if self.random.random() < 0.7 else self.random.randint(1, len(waiting))
        offset = waiting[count - 1]
        if self.consumer.sessions == 1:
            del waiting[:count]
        else:  # those given again may be smaller than what came before them; what came after this one is not acknowledged by it
            waiting[:] = [other for place, other in enumerate(waiting) if other > offset or (place >= count and other != offset)]
        data = {"offset": offset} if self.workspace != "*" else {"workspaceId": workspace, "offset": offset}
        self.send({"event": "ack", "data": data, "referenceId": f"ack {workspace} {offset}"})
        if waiting:
            asyncio.get_running_loop().call_later(0.05, self.acknowledge, link, workspace)

    def ack_answered(self, text):
        _, workspace, offset = text[len(b'{"referenceId":"') :].split(b'"', 1)[0].decode().split(" ")
        if b'"errorMessage":' not in text:
            self.acknowledged[workspace] = max(self.acknowledged[workspace], int(offset))
            self.history.counts["acks answered"] += 1
        elif b'"errorCode":"shutting_down"' in text:
            pass  # it comes again
        elif b'"errorCode":"journal_unavailable"' in text:
            # Its events stay unacknowledged: they come again to the next session.
            self.run.refusal(None)
            self.link.abort()
        else:
            self.history.violation(f"{self.name}: {text!r}")
