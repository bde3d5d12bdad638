"""GroupLog: the log of the groups whose members change, put together from what clients got. Pure.

One user, the *observer*, creates these groups, never leaves them, and uses one device that never
ends. So each event reaches at least one client. Sorted by ``seq``, the events tell the members of a
group at each number: an event and a message of one group are in the order of their commits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.history import Event, History

ENDS = ("left", "removed", "banned")
"""Events of a user that is no member any more."""

Roles = dict[int, str]
"""The members of a group, with their roles."""


@dataclass(slots=True)
class Entry:
    """An event in the log.

    Attributes:
        first: what a client got.
        seen: the position of the first client that got it.
        is_second: of a change with two events: a creator has left, or has made another member the
            creator.
        roles: the members after it.
        users: the users that are told of it.
    """

    first: Event
    seen: int
    is_second: bool = False
    roles: Roles = field(default_factory=dict)
    users: frozenset[int] = frozenset()

    @property
    def seq(self) -> int:
        return self.first.seq

    def __str__(self) -> str:
        one = self.first
        words = f"{one.event} {one.mark}".strip()
        return f"event {one.seq} of group {one.group} ({words}, user {one.user}, by {one.by})"


class GroupLog:
    """See the module's text.

    Attributes:
        entries: of each group, by ``seq``.
        problems: events that differ between devices, or do not follow from those before them.
    """

    def __init__(self, history: History) -> None:
        self.problems: list[str] = []
        self.entries: defaultdict[int, list[Entry]] = defaultdict(list)
        names = {change.mark for change in history.changes if change.event == "created"}
        groups = {e.group for e in history.events if e.event == "created" and e.mark in names}
        found: dict[int, Entry] = {}
        for got in history.events:
            if got.group not in groups:
                continue
            entry = found.get(got.seq)
            if entry is None:
                found[got.seq] = Entry(got, got.at)
            elif _content(entry.first) != _content(got):
                self.problems.append(f"event {got.seq} differs: {entry.first} and {got}")
        for seq in sorted(found):
            self.entries[found[seq].first.group].append(found[seq])
        for entries in self.entries.values():
            self._replay(entries)

    def _replay(self, entries: list[Entry]) -> None:
        roles: Roles = {}
        half: Event | None = None  # of a change whose second event comes next
        for entry in entries:
            before = dict(roles)
            entry.is_second = half is not None
            if half is None:
                fits = _APPLY[entry.first.event](roles, entry.first)
            else:
                fits = _is_second(roles, half, entry.first)
                roles[entry.first.user] = entry.first.mark
            if not fits:
                self.problems.append(f"does not follow: {entry}; members before it: {before}")
            has_second = not entry.is_second and _has_second(before, roles, entry.first)
            half = entry.first if has_second else None
            entry.roles = dict(roles)
            told = before if entry.first.event == "dissolved" else roles
            own = {entry.first.user} if entry.first.event in ENDS else set()
            entry.users = frozenset(told) | own
        if half is not None:
            self.problems.append(f"its second event is missing: {entries[-1]}")

    def roles_at(self, group: int, seq: int) -> Roles:
        """The members of a group when the number ``seq`` was given."""
        roles: Roles = {}
        for entry in self.entries.get(group, ()):
            if entry.seq > seq:
                break
            roles = entry.roles
        return roles

    def leaves_after(self, group: int, user: int, seq: int) -> bool:
        """Does the user lose the group after the number ``seq``?"""
        return any(
            (entry.seq > seq and (entry.first.user == user and entry.first.event in ENDS))
            or (entry.seq > seq and entry.first.event == "dissolved" and user in entry.users)
            for entry in self.entries.get(group, ())
        )


def _content(got: Event) -> tuple[str, int, int, int, str]:
    return got.event, got.group, got.user, got.by, got.mark


def _has_second(before: Roles, roles: Roles, event: Event) -> bool:
    """Is there another event of the same change?"""
    if event.event == "left":
        return before.get(event.user) == "creator" and bool(roles)
    return event.event == "role" and event.mark == "creator"


def _is_second(roles: Roles, half: Event, event: Event) -> bool:
    """Is it the successor of a creator that has left, or the new role of the former one?"""
    if event.event != "role" or event.by != half.by:
        return False
    if half.event == "role":
        return event.user == half.by and event.mark == "admin"
    best = "admin" if "admin" in roles.values() else "normal"
    return event.mark == "creator" and roles.get(event.user) == best


# ---------------------------------------------------------------------- one event
#
# Each function changes the roles, and tells whether the event may come here.


def _created(roles: Roles, event: Event) -> bool:
    fits = not roles and event.user == event.by
    roles[event.user] = "creator"
    return fits


def _joined(roles: Roles, event: Event) -> bool:
    fits = bool(roles) and event.user not in roles and event.user == event.by
    roles[event.user] = "normal"
    return fits


def _left(roles: Roles, event: Event) -> bool:
    return roles.pop(event.user, None) is not None and event.user == event.by


def _removed(roles: Roles, event: Event) -> bool:
    allowed = roles.get(event.by) in ("creator", "admin")
    return roles.pop(event.user, None) is not None and allowed


def _role(roles: Roles, event: Event) -> bool:
    fits = roles.get(event.user) not in (None, event.mark) and roles.get(event.by) == "creator"
    roles[event.user] = event.mark
    return fits


def _changed(roles: Roles, event: Event) -> bool:
    return roles.get(event.by) in ("creator", "admin")


def _dissolved(roles: Roles, event: Event) -> bool:
    fits = roles.get(event.by) == "creator"
    roles.clear()
    return fits


_APPLY: dict[str, Callable[[Roles, Event], bool]] = {
    "created": _created,
    "joined": _joined,
    "left": _left,
    "removed": _removed,
    "banned": _removed,
    "role": _role,
    "renamed": _changed,
    "changed": _changed,
    "dissolved": _dissolved,
}
