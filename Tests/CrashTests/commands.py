"""What the load does: random commands, most of them legal. Each has a mark that shows in the event that it makes."""

import json
from pathlib import Path

from history import Command

REGISTRY = Path(__file__).resolve().parents[2] / "Protocol" / "registry"
STATES = {row["state"]: row for row in json.loads((REGISTRY / "interaction-states.json").read_text())["states"]}
INITIAL = [name for name, row in STATES.items() if row["initial"]]
RELAYED = ("agent", "media", "outbound", "system")
# Bytes beyond ASCII, quotes and control characters: they must come back as they are.
SPICE = ("", "", "", "ü", "\"quoted\" \\ \n", "日本語", "🙂", "x" * 700, "y" * 9000)
OPEN_MAX = 6


class Commands:
    """The commands of one client, numbered 1, 2, 3 …; `world` is what all clients of the workspace know of it."""

    def __init__(self, name, workspace, random, world):
        self.name = name
        self.workspace = workspace
        self.random = random
        self.world = world
        self.number = 0
        self.made = 0
        self.open = {}  # interaction: the state that it should have

    def next(self, makers):
        """A command of one of these kinds: (weight, maker)."""
        self.number += 1
        mark = f"{self.name}:{self.number}"
        maker = self.random.choices([m for _, m in makers], [w for w, _ in makers])[0]
        return maker(self, mark)

    def command(self, kind, mark, target, message, has_mark=True):
        message = {**message, "referenceId": mark, "messageId": mark}
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        return Command(mark, self.workspace, kind, mark if has_mark else None, target, text)

    def publish(self, kind, mark, target, event, data):
        return self.command(kind, mark, target, {"event": "publish", "data": {"event": event, "data": data}})

    def request(self, kind, mark, target, *parameters, has_mark=True):
        message = {"request": f"interaction.{kind}", "parameters": [target, *parameters]}
        return self.command(kind, mark, target, message, has_mark)

    # ---- What sources publish ----

    def assertion(self, mark):
        """The next step of an interaction of its own, sometimes one that the table does not allow."""
        if len(self.open) < OPEN_MAX and self.random.random() < 0.4 or not self.open:
            target, state = self.new_interaction(), self.random.choice(INITIAL)
        else:
            target = self.random.choice(list(self.open))
            state = self.random.choice(STATES[self.open[target]]["next"])
            if self.random.random() < 0.05:
                state = self.random.choice(list(STATES))
        self.expect(target, state)
        interaction = {"interactionId": target, "userData": {"mark": mark, "spice": self.random.choice(SPICE)}}
        if self.random.random() < 0.2:
            interaction["caseId"] = f"{self.name}-case-{self.random.randrange(3)}"
        return self.publish("assert", mark, target, "interaction", {"eventType": state, "interaction": interaction})

    def new_interaction(self):
        self.made += 1
        target = f"{self.name}-i{self.made}"
        self.world.append(target)
        del self.world[:-20]
        return target

    def expect(self, target, state):
        row = STATES[state]
        if row["terminal"]:
            self.open.pop(target, None)
        elif not row["transient"]:
            self.open[target] = state
        if len(self.open) > 2 * OPEN_MAX:
            self.open.pop(next(iter(self.open)))

    def relay(self, mark):
        data = {"mark": mark, "spice": self.random.choice(SPICE), "number": 1.0}
        return self.publish("relay", mark, None, self.random.choice(RELAYED), data)

    # ---- What clients request ----

    def some_interaction(self):
        return self.random.choice(self.world) if self.world else "nobody"

    def markdone(self, mark):
        return self.request("markdone", mark, self.some_interaction(), has_mark=False)

    def block(self, mark):
        return self.request("blockMarkdone", mark, self.some_interaction(), mark)

    def unblock(self, mark):
        return self.request("unblockMarkdone", mark, self.some_interaction(), has_mark=False)

    def set_user_data(self, mark):
        values = {"mark": mark, f"key{self.random.randrange(3)}": self.random.choice(SPICE[:5])}
        return self.request("setUserData", mark, self.some_interaction(), values)

    def delete_user_data(self, mark):
        key = f"key{self.random.randrange(3)}"
        return self.request("deleteUserData", mark, self.some_interaction(), key, has_mark=False)

    def select(self, mark):
        return self.request("selectCaseByCaseId", mark, self.some_interaction(), has_mark=False)


SOURCE = [(6, Commands.assertion), (4, Commands.relay)]
CLIENT = [
    (4, Commands.markdone), (4, Commands.block), (2, Commands.unblock), (4, Commands.set_user_data),
    (2, Commands.delete_user_data), (3, Commands.select),
]  # fmt: skip
