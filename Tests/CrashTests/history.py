"""What all clients of a run saw and did. What is wrong at first sight is noticed at once; the rest is for checker.py."""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field

# The end of every message of a session that is told positions (Protocol §9.1).
POSITION = re.compile(rb',"offset":(\d+),"epoch":"([^"]{1,64})"(?:,"delivery":(\d+))?\}$')
USER_AGENT = b',"userAgent":"WWE Server","protocolVersion":2'
JOURNALED = ("interaction", "markdone", "agent", "media", "outbound", "system")


class Violation(AssertionError):
    """The broker broke a promise."""


@dataclass
class Command:
    """One message with a messageId: what was sent, and how it was answered."""

    message_id: str
    workspace: str
    kind: str
    # What its event carries, where it has one of its own.
    mark: str | None
    target: str | None
    text: bytes
    answer: bytes | None = None
    sent: int = 0
    # No second try: it may have happened once, or not at all.
    abandoned: bool = False
    refused: int = 0

    @property
    def succeeded(self):
        return self.answer is not None and b'"errorMessage":' not in self.answer

    @property
    def offset(self):
        return int(POSITION.search(self.answer)[1])


@dataclass
class Stream:
    """The events of one workspace, as clients saw them: the first one who sees an event says what it is."""

    epoch: str | None = None
    events: dict = field(default_factory=dict)  # offset: b'"name","data":…'
    # (offset, answer to getInteractions)
    states: list = field(default_factory=list)
    # The furthest that an acknowledgement told of; the epoch goes on from there at least.
    acknowledged: int = 0


class History:
    def __init__(self):
        self.streams = defaultdict(Stream)
        self.commands = {}
        self.violations = []
        self.counts = defaultdict(int)

    def violation(self, text):
        self.violations.append(text)
        raise Violation(text)

    def position(self, who, workspace, text):
        """The offset at the end of a message; its epoch must be the workspace's."""
        match = POSITION.search(text)
        if not match:
            self.violation(f"{who}: no position in {text[:300]!r}")
        stream = self.streams[workspace]
        epoch = match[2].decode()
        if stream.epoch is None:
            stream.epoch = epoch
        if stream.epoch != epoch:
            self.violation(f"{who}: the epoch of {workspace} was {stream.epoch}, now it is {epoch}: {text[:300]!r}")
        return int(match[1])

    def event(self, who, workspace, text):
        """Notes an event. Gives its offset and its name."""
        offset = self.position(who, workspace, text)
        content = text[len(b'{"event":') : text.rindex(USER_AGENT)]
        known = self.streams[workspace].events.setdefault(offset, content)
        if known != content:
            self.violation(
                f"{who}: event {offset} of {workspace} was {known[:300]!r} before, now it is {content[:300]!r}"
            )
        self.counts["events seen"] += 1
        return offset, content[1 : content.index(b'"', 1)].decode()

    def state(self, who, workspace, text):
        """Notes an answer to interaction.getInteractions."""
        offset = self.position(who, workspace, text)
        body = text[text.index(b'"data":') + 7 : text.rindex(USER_AGENT)]
        self.streams[workspace].states.append((offset, body))
        self.counts["states seen"] += 1

    def answered(self, command, text):
        """Notes an answer to a command; every answer to it must be the same."""
        offset = self.position(command.message_id, command.workspace, text)
        stream = self.streams[command.workspace]
        stream.acknowledged = max(stream.acknowledged, offset)
        if command.answer is None:
            command.answer = text
            self.counts["commands acknowledged"] += 1
        else:
            self.counts["answers again"] += 1
            if command.answer != text:
                self.violation(f"the answer to {command.message_id} was {command.answer!r}, again it is {text!r}")


def decoded(content):
    """The name and the data of an event."""
    name, data = json.loads(b"[" + content.replace(b',"data":', b",", 1) + b"]")
    return name, data
