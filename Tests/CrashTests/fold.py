"""The state of a workspace, made from nothing but the events that clients see (Protocol §6, §7)."""

from commands import STATES

CASES = {"CASE_SELECTED", "CASE_EXPANDED", "CASE_COLLAPSED", "CASE_CLOSED"}


class IllegalEvent(Exception):
    """An event that cannot follow those before it."""


class Fold:
    def __init__(self):
        self.interactions = {}  # as the last event showed it, in the order of creation
        self.ruling = {}  # the last state that is not transient

    def add(self, name, data):
        if name != "interaction":
            return
        kind = data["eventType"]
        if kind in CASES:
            self.case_changed(kind, data["caseId"])
        else:
            self.interaction_changed(kind, data["interaction"])

    def interaction_changed(self, kind, interaction):
        id, state = interaction["interactionId"], interaction["state"]
        before = self.interactions.get(id)
        self.check(id, before, state, interaction.get("previousState"))
        if STATES[state]["terminal"]:
            self.interactions.pop(id, None)
            self.ruling.pop(id, None)
            return
        self.interactions[id] = interaction
        if not STATES[state]["transient"]:
            self.ruling[id] = state

    def check(self, id, before, state, previous):
        """That the state may follow the one that the clients know of (§6.3, §6.4)."""
        if before is None:
            if not STATES[state]["initial"] or previous is not None:
                raise IllegalEvent(f"{id} begins with {state}, previousState {previous}")
        elif state == before["state"]:
            if previous != before.get("previousState"):
                raise IllegalEvent(f"{id}: an update of {state}, but previousState becomes {previous}")
        else:
            ruling = self.ruling[id]
            if state not in STATES[ruling]["next"] and state != ruling or previous != before["state"]:
                raise IllegalEvent(f"{id}: {state} (previousState {previous}) after {before['state']} (by {ruling})")

    def case_changed(self, kind, case):
        for interaction in self.interactions.values():
            if kind == "CASE_SELECTED":
                interaction["isCaseSelected"] = interaction["caseId"] == case
            elif interaction["caseId"] == case:
                if kind == "CASE_CLOSED":
                    raise IllegalEvent(f"case {case} closes with {interaction['interactionId']} in it")
                interaction["isCaseExpanded"] = kind == "CASE_EXPANDED"

    def state(self):
        """As interaction.getInteractions answers."""
        return list(self.interactions.values())
