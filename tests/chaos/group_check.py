"""Checks the events of groups: each change has one, which reaches the right devices once. Pure.

It demands of every run:

- An acknowledged change has exactly one event, and a refused one has none. A change without an
  answer has one or none. There is no other event. When a creator leaves, or makes another member
  the creator, a second event follows.
- A change that was acknowledged before another one was asked for has the lower number. The same
  holds for a change and a message to the group. Changes that overlap may have either order.
- No event comes before its change: the members that a client asks for after an event show it.
- An event reaches each named device of the members after the change, and of the user that was
  removed or has left; the end of a group, those of its members. It reaches no other device.
- In a group with more than MOST_TOLD devices, ``joined`` and ``left`` reach those of that user.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from tests.chaos.group_log import ENDS, Entry, GroupLog
from tests.chaos.history import UNNAMED, Change, Device, Event, History, Look

MOST_TOLD = 1000
"""By the protocol: see above."""

WITHOUT_EFFECT = ("role", "banned")
"""A request for these changes may change nothing, and then there is no event."""

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A change or a message of a group, with its number. ``asked``, ``acked``: positions."""

    group: int
    asked: int
    acked: int | None
    seq: int
    words: str


class GroupCheck:
    """The changes, and their events in the log.

    Attributes:
        log: of the groups.
        steps: the changes that were made.
        unseen: acknowledged changes without an event.
        problems: events without a change.
    """

    def __init__(self, history: History, most_told: int = MOST_TOLD) -> None:
        self.log = GroupLog(history)
        self.steps: list[Step] = []
        self.unseen: list[Change] = []
        self.problems: list[str] = []
        self._history = history
        self._most_told = most_told
        self._asked: dict[int, int] = {}  # by the number of the event
        self._match()

    # ------------------------------------------------------------------ changes and events

    def _match(self) -> None:
        """Find the event of each change.

        A user makes one change at a time, and asks for none again whose outcome is not known. So
        the changes of a key and its events have the same order, except those without effect.
        """
        changes: defaultdict[Key, list[Change]] = defaultdict(list)
        entries: defaultdict[Key, list[Entry]] = defaultdict(list)
        for change in self._history.changes:
            if not change.refused:
                changes[_key(change)].append(change)
        for entry in self._entries():
            if not entry.is_second:
                entries[_key(entry.first)].append(entry)
        keys = sorted({**changes, **entries}, key=lambda key: key[0] in WITHOUT_EFFECT)
        for key in keys:
            asked = sorted(changes[key], key=lambda change: change.asked)
            if key[0] in WITHOUT_EFFECT:
                self._match_some(asked, entries[key])
            else:
                self._match_all(asked, entries[key])

    def _match_all(self, changes: list[Change], entries: list[Entry]) -> None:
        for change, entry in zip_longest(changes, entries):
            if change is None:
                self.problems.append(f"without a change: {entry}")
            elif entry is not None:
                self._found(change, entry)
            elif change.acked is not None:
                self.unseen.append(change)

    def _match_some(self, changes: list[Change], entries: list[Entry]) -> None:
        left = list(changes)
        for entry in entries:
            for change in left:
                low, high = self._window(change)
                if low < entry.seq < high and change.asked < entry.seen:
                    left.remove(change)
                    self._found(change, entry)
                    break
            else:
                self.problems.append(f"without a change: {entry}")
        self.unseen += [c for c in left if c.acked is not None and not self._had_no_effect(c)]

    def _found(self, change: Change, entry: Entry) -> None:
        one = entry.first
        self._asked[entry.seq] = change.asked
        self.steps.append(Step(one.group, change.asked, change.acked, entry.seq, str(entry)))
        if change.asked > entry.seen:
            self.problems.append(f"before the request: {entry}")
        if change.group not in (None, one.group):
            self.problems.append(f"in another group than {change}: {entry}")

    def _window(self, change: Change) -> tuple[float, float]:
        """The numbers that the event of this change may have, by the changes around it."""
        low, high = 0.0, float("inf")
        for step in self.steps:
            if step.acked is not None and step.acked < change.asked:
                low = max(low, step.seq)
            if change.acked is not None and step.asked > change.acked:
                high = min(high, step.seq)
        return low, high

    def _had_no_effect(self, change: Change) -> bool:
        """Was the role the same before, or the banned user no member?"""
        assert change.group is not None
        low, high = self._window(change)
        states = [self.log.roles_at(change.group, int(low))]
        entries = self.log.entries.get(change.group, ())
        states += [entry.roles for entry in entries if low < entry.seq < high]
        if change.event == "role":
            return any(roles.get(change.user) == change.mark for roles in states)
        return any(change.user not in roles for roles in states)

    def _entries(self) -> Iterator[Entry]:
        for entries in self.log.entries.values():
            yield from entries

    # ------------------------------------------------------------------ devices

    def missing(self) -> list[str]:
        """The events that are owed and have not come yet, in words."""
        missing = [f"lost: no device got the event of {change}" for change in self.unseen]
        got = {(e.receiver, e.device, e.seq) for e in self._history.events}
        devices = self._named_devices()
        for entry in self._entries():
            for user in self._told(entry, devices):
                for device in devices[user]:
                    is_open = device.ended is None and not device.ending
                    owed = is_open and device.since < entry.seq
                    if owed and (user, device.number, entry.seq) not in got:
                        missing.append(f"lost: {device} never got {entry}")
        return missing

    def _told(self, entry: Entry, devices: dict[int, list[Device]]) -> list[int]:
        """The users whose devices are certainly owed the event."""
        one = entry.first
        told = set(entry.users)
        if one.event in ("joined", "left"):
            among = [d for user in entry.roles for d in devices[user] if d.since < entry.seq]
            if len(among) > self._most_told:
                told = {one.user}
        # A mailbox with a gap gets the end of a membership at once, and all else later.
        if self._history.has_gaps and one.event != "dissolved":
            own = {one.user} if one.event in ENDS else set()
            leaves = self.log.leaves_after
            told = {user for user in told if not leaves(one.group, user, entry.seq)} | own
        return sorted(told)

    def _named_devices(self) -> defaultdict[int, list[Device]]:
        devices: defaultdict[int, list[Device]] = defaultdict(list)
        for device in self._history.devices.values():
            if device.number != UNNAMED:
                devices[device.user].append(device)
        return devices

    def foreign(self) -> list[str]:
        """Events on devices that they are not for."""
        problems = []
        by_seq = {entry.seq: entry for entry in self._entries()}
        for got in self._history.events:
            entry = by_seq.get(got.seq)
            if entry is None:  # of a group whose members do not change
                continue
            device = self._history.devices[got.receiver, got.device]
            if got.receiver not in entry.users:
                problems.append(f"{entry} was not for {device}")
            elif got.seq <= device.since:
                problems.append(f"older than the device, which begins after {device.since}: {got}")
            elif device.ended is not None and self._asked.get(got.seq, 0) > device.ended:
                problems.append(f"made after the end of the device: {got}")
        return problems

    # ------------------------------------------------------------------ members

    def early(self) -> list[str]:
        """Events that came before their change: a list of members did not show it."""
        by_seq = {entry.seq: entry for entry in self._entries()}
        return [
            f"before its change: {by_seq[look.seq]}; the members were {sorted(look.members)}"
            for look in self._history.looks
            if look.seq in by_seq and not self._shows(look, by_seq[look.seq])
        ]

    def _shows(self, look: Look, entry: Entry) -> bool:
        user = entry.first.user
        if (user in look.members) == (user in entry.roles):
            return True
        return any(
            later.seq > entry.seq
            and later.first.user == user
            and self._asked.get(later.seq, 0) < look.at
            for later in self.log.entries[look.group]
        )


def _key(one: Change | Event) -> Key:
    """A change with a text of its own is found by it: of a new group nothing else is known."""
    if one.mark and one.event != "role":
        return one.event, one.by, one.mark
    return one.event, one.group, one.user, one.by, one.mark
