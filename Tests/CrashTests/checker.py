"""Proves, from what the clients saw and did, that nothing was lost, nothing happened twice, and order was kept."""

import json
from collections import Counter, defaultdict

from fold import Fold, IllegalEvent
from history import Violation, decoded

CASE_FACTS = {"CASE_SELECTED", "CASE_EXPANDED", "CASE_COLLAPSED"}


def check_run(history, end_of):
    """All proofs, for every workspace. Returns how much was proven, for the report."""
    proven = Counter()
    by_workspace = defaultdict(list)
    for command in history.commands.values():
        by_workspace[command.workspace].append(command)
    for workspace, stream in history.streams.items():
        check = WorkspaceCheck(workspace, stream, by_workspace[workspace])
        check.gapless(end_of(workspace))
        check.explain()
        check.answers()
        check.states()
        proven.update(check.proven)
    return proven


class WorkspaceCheck:
    def __init__(self, workspace, stream, commands):
        self.workspace = workspace
        self.stream = stream
        self.commands = {c.message_id: c for c in commands}
        # Commands without a mark of their own, by the offset that their answer told of.
        self.answered_at = defaultdict(list)
        for command in commands:
            if command.answer is not None:
                self.answered_at[command.offset].append(command)
        self.proven = Counter()
        self.effects = defaultdict(list)  # message id: offsets of the events that it made
        self.events = []  # (name, data), offset 1 first

    def fail(self, text):
        raise Violation(f"{self.workspace}: {text}")

    def gapless(self, end):
        offsets = self.stream.events
        missing = next((o for o in range(1, end + 1) if o not in offsets), None)
        if missing is not None or len(offsets) != end:
            self.fail(f"event {missing} of {end} was never seen; {len(offsets)} were")
        self.events = [decoded(offsets[o]) for o in range(1, end + 1)]
        self.proven["events"] += end

    # ---- Every event has exactly one cause ----

    def explain(self):
        self.marks = {}  # interaction: the mark that its last event showed
        self.marked_done = {}  # interaction: where its MARKED_DONE is
        self.blocks = defaultdict(int)
        for offset, (name, data) in enumerate(self.events, 1):
            if name == "interaction":
                self.explain_interaction(offset, data)
            elif name == "markdone":
                self.explain_markdone(offset, data)
            else:
                self.caused(offset, data["mark"])

    def caused(self, offset, mark):
        """This event is that of the command with this mark."""
        if mark not in self.commands:
            self.fail(f"event {offset} has the mark {mark}, which nobody sent")
        self.effects[mark].append(offset)

    def explain_interaction(self, offset, data):
        kind = data["eventType"]
        if kind in CASE_FACTS:
            return self.explain_case(offset, kind)
        if kind == "CASE_CLOSED":
            return
        interaction = data["interaction"]
        id, mark = interaction["interactionId"], interaction["userData"].get("mark")
        if self.marks.get(id) != mark:
            self.caused(offset, mark)
        elif kind == "COMPLETED":
            self.explain_completed(offset, id)
        elif not self.unmarked("deleteUserData", id, offset):
            self.fail(f"event {offset} ({kind} of {id}) repeats the mark {mark}: that command had an effect twice")
        self.marks[id] = mark

    def explain_completed(self, offset, id):
        # COMPLETED, and perhaps CASE_CLOSED after it, are of one block.
        if self.marked_done.get(id) != offset - 1:
            self.fail(f"event {offset}: COMPLETED of {id} without MARKED_DONE before it")
        if not any(self.unmarked("markdone", id, end) for end in (offset, offset + 1)):
            self.fail(f"event {offset}: nobody marked {id} done")

    def explain_markdone(self, offset, data):
        kind, id = data["eventType"], data["interactionId"]
        if kind == "MARKDONE_BLOCKED":
            self.caused(offset, data["warningMessage"])
            self.blocks[id] += 1
        elif kind == "MARKED_DONE":
            self.marked_done[id] = offset
            self.blocks.pop(id, None)
        elif kind == "MARKDONE_REFUSED":
            if not self.unmarked("markdone", id, offset, succeeded=False):
                self.fail(f"event {offset}: nobody was refused to mark {id} done")
        else:  # lifted by a command, its session's end, or time
            self.blocks[id] -= 1
            if self.blocks[id] < 0:
                self.fail(f"event {offset}: {kind} of {id}, which had no block left")

    def explain_case(self, offset, kind):
        """Its command's events end with the answer's offset; up to there everything is such an event."""
        end = offset
        while end <= len(self.events) and self.events[end - 1][1].get("eventType") in CASE_FACTS:
            if any(c.kind == "selectCaseByCaseId" and c.succeeded for c in self.answered_at[end]):
                return
            end += 1
        self.fail(f"event {offset}: nobody selected a case ({kind})")

    def unmarked(self, kind, target, end, succeeded=True):
        """Exactly one command of this kind had its last event here."""
        found = [
            c for c in self.answered_at[end]
            if c.kind == kind and c.target == target and c.succeeded == succeeded and not self.effects[c.message_id]
        ]  # fmt: skip
        if found:
            self.effects[found[0].message_id].append(end)
        return bool(found)

    # ---- Every command had exactly the effect that its answer says ----

    def answers(self):
        latest = {}
        for command in self.commands.values():
            effects = self.effects[command.message_id]
            if len(effects) > 1:
                self.fail(f"{command.message_id} ({command.kind}) had effects at {effects}, sent {command.sent} times")
            if command.answer is None:
                self.check_unanswered(command, effects)
            elif command.succeeded:
                self.check_success(command, effects)
            elif command.mark and effects:
                self.fail(f"{command.message_id} failed ({command.answer!r}), but made event {effects}")
            # One that was refused was sent again later, perhaps after others.
            if effects and command.mark and not command.refused:
                self.check_order(command, effects[0], latest)
            self.proven["commands"] += 1
            self.proven["sent more than once"] += command.sent > 1

    def check_unanswered(self, command, effects):
        if not command.abandoned:
            self.fail(f"{command.message_id} was never answered")
        # One that was sent before, too, may have been committed then (Protocol §5.5).
        if command.refused and command.sent == 1 and effects:
            self.fail(f"{command.message_id} failed with journal_unavailable, but made event {effects}")

    def check_success(self, command, effects):
        """An acknowledged command is not lost: its event is there, within what its answer told of."""
        if not effects and (command.mark or command.kind == "markdone"):
            self.fail(f"{command.message_id} was acknowledged ({command.answer!r}), but has no event")
        for effect in effects:
            rest = self.events[effect : command.offset]
            if not effect <= command.offset or any(not of_one_block(event) for event in rest):
                self.fail(f"{command.message_id} has event {effect}, but was told offset {command.offset}")

    def check_order(self, command, effect, latest):
        """What one client sent has its effects in the order of sending."""
        source = command.mark.rsplit(":", 1)[0]
        before = latest.get(source)
        if before and effect < before[1]:
            self.fail(f"{command.mark} has event {effect}, before that of {before}")
        latest[source] = (command.mark, effect)

    # ---- The state is that of the events ----

    def states(self):
        fold = Fold()
        asked = defaultdict(set)
        for offset, body in self.stream.states:
            asked[offset].add(body)
        for offset in range(len(self.events) + 1):
            if offset:
                self.fold(fold, offset)
            for body in asked.pop(offset, ()):
                self.compare(offset, json.loads(body), fold.state())
        if asked:
            self.fail(f"a state was told at offset {max(asked)}, the last event is {len(self.events)}")

    def fold(self, fold, offset):
        try:
            fold.add(*self.events[offset - 1])
        except IllegalEvent as error:
            self.fail(f"event {offset}: {error}")

    def compare(self, offset, told, folded):
        self.proven["states"] += 1
        if json.dumps(told) != json.dumps(folded):
            wrong = next(((a, b) for a, b in zip(told, folded) if json.dumps(a) != json.dumps(b)), None)
            ids = [[i["interactionId"] for i in state] for state in (told, folded)]
            self.fail(f"the state at {offset} is not that of the events: first difference {wrong}, ids {ids}")


def of_one_block(event):
    """Whether it may follow the event of a command in the same block."""
    name, data = event
    return name == "interaction" and data["eventType"] in {"CASE_CLOSED", "COMPLETED"}
