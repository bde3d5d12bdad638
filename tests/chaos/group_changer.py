"""GroupChanger: one user's changes of the groups of a run, one at a time.

A change is asked for once. If its answer is lost, it was made or not, and the user never asks for
the same one again: so the checker knows which event belongs to which request.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.history import Change, Event, History

Message = dict[str, Any]

GROUPS = 3
"""Groups at a time whose members change."""

RATE = 1.5
"""Changes a second of each user."""

LOOKS = 0.3
"""The share of events after which a client asks for the members."""

ACKS = (23, 24, 43, 45, 47, 71, 73, 75, 77)
MEMBERS_ACK = 49
REFUSED, NOT_YOU, NOT_FOUND, TOO_MANY, UNAVAILABLE, NOT_A_MEMBER, EXISTS = 1, 3, 5, 6, 8, 9, 10
REFUSALS = (REFUSED, NOT_YOU, NOT_FOUND, TOO_MANY, NOT_A_MEMBER, EXISTS)

MEMBERSHIP = ("joined", "left", "removed", "banned")


@dataclass(slots=True)
class ChangingGroups:
    """What the users of a run know of these groups.

    Attributes:
        ids: of the groups that there are now.
        users: that join and leave.
        observer: the user that creates the groups, and stays.
        banned: groups and users.
    """

    observer: int
    users: Sequence[int]
    ids: list[int] = field(default_factory=list)
    banned: list[tuple[int, int]] = field(default_factory=list)
    names: itertools.count[int] = field(default_factory=itertools.count)


class GroupChanger:
    """See the module's text. The event loop's thread.

    Attributes:
        waits: a request has no answer yet.
    """

    def __init__(self, user_id: int, groups: ChangingGroups, seed: int, history: History) -> None:
        self.waits = False
        self._user_id = user_id
        self._groups = groups
        self._random = random.Random(seed)
        self._history = history
        self._rids = itertools.count()
        self._rid = ""
        self._change: Change | None = None  # that waits for its answer; None: of no event
        self._unban: tuple[int, int] | None = None
        self._in_doubt: set[tuple[object, ...]] = set()

    def next_request(self) -> Message | None:
        """Another change, or None."""
        if self.waits:
            return None
        groups = self._groups
        is_observer = self._user_id == groups.observer
        if is_observer and len(groups.ids) < GROUPS:
            return self._create(0)
        if not groups.ids:
            return None
        words, weights = zip(*(_OF_OBSERVER if is_observer else _OF_MEMBERS), strict=True)
        (draw,) = self._random.choices(words, weights)
        request: Message | None = draw(self, self._random.choice(groups.ids))
        return request

    def take_answer(self, answer: Message) -> None:
        """The answer to a change."""
        if not self.waits or answer.get("rid") != self._rid:
            return
        self.waits = False
        errno, change = answer["errno"], self._change
        if errno == UNAVAILABLE:
            self._note_doubt()
        elif errno in REFUSALS:
            if change is not None:
                change.refused = True
            self._unban = None
        elif errno:
            self._history.surprises.append(f"user {self._user_id}: {change} got {answer}")
        elif change is None:
            if self._unban in self._groups.banned:
                self._groups.banned.remove(self._unban)
        else:
            change.acked = self._history.tick()
            self._made(change, answer)

    def connection_lost(self) -> None:
        """There will be no answer."""
        if self.waits:
            self.waits = False
            self._note_doubt()

    def _made(self, change: Change, answer: Message) -> None:
        if change.event == "created":
            change.group = answer["groupid"]
            self._groups.ids.append(answer["groupid"])
        elif change.event == "dissolved" and change.group in self._groups.ids:
            self._groups.ids.remove(change.group)
        elif change.event == "banned" and change.group is not None:
            self._groups.banned.append((change.group, change.user))

    def _note_doubt(self) -> None:
        change = self._change
        if change is not None:
            self._in_doubt.add(_same(change))
            if change.event == "dissolved" and change.group in self._groups.ids:
                self._groups.ids.remove(change.group)  # perhaps it is gone

    # ------------------------------------------------------------------ requests

    def _ask(
        self, event: str, group: int | None, user: int, mark: str, msgid: int, **fields: Any
    ) -> Message | None:
        change = Change(event, group, user, self._user_id, mark, self._history.clock)
        if _same(change) in self._in_doubt:
            return None
        change.asked = self._history.tick()
        self._history.changes.append(change)
        return self._request(change, msgid, groupid=group, **fields)

    def _request(self, change: Change | None, msgid: int, **fields: Any) -> Message:
        self.waits, self._change, self._unban = True, change, None
        self._rid = f"change {next(self._rids)}"
        fields = {name: value for name, value in fields.items() if value is not None}
        return {"msgid": msgid, "id": self._user_id, "rid": self._rid, **fields}

    def _other(self) -> int:
        others = [user for user in self._groups.users if user != self._user_id]
        return self._random.choice(others)

    def _text(self, word: str) -> str:
        return f"{word} {next(self._groups.names)}"

    def _create(self, _: int) -> Message | None:
        name = self._text("group no.")
        return self._ask("created", None, self._user_id, name, 8, groupname=name, groupdesc="")

    def _join(self, group: int) -> Message | None:
        return self._ask("joined", group, self._user_id, "", 9)

    def _leave(self, group: int) -> Message | None:
        return self._ask("left", group, self._user_id, "", 42)

    def _remove(self, group: int) -> Message | None:
        user = self._other()
        return self._ask("removed", group, user, "", 44, userid=user)

    def _ban(self, group: int) -> Message | None:
        user, reason = self._other(), self._text("reason")
        return self._ask("banned", group, user, reason, 74, userid=user, reason=reason)

    def _lift_ban(self, _: int) -> Message | None:
        if not self._groups.banned:
            return None
        group, user = self._random.choice(self._groups.banned)
        request = self._request(None, 76, groupid=group, userid=user)
        self._unban = group, user
        return request

    def _set_role(self, group: int) -> Message | None:
        user, role = self._other(), self._random.choice(("admin", "admin", "normal"))
        return self._ask("role", group, user, role, 72, userid=user, role=role)

    def _hand_over(self, group: int) -> Message | None:
        user = self._other()
        return self._ask("role", group, user, "creator", 72, userid=user, role="creator")

    def _rename(self, group: int) -> Message | None:
        name = self._text("renamed")
        return self._ask("renamed", group, 0, name, 70, groupname=name)

    def _describe(self, group: int) -> Message | None:
        text = self._text("about")
        return self._ask("changed", group, 0, text, 70, groupdesc=text)

    def _dissolve(self, group: int) -> Message | None:
        return self._ask("dissolved", group, 0, "", 46)


Draw = Callable[[GroupChanger, int], Message | None]

_OF_OBSERVER: Sequence[tuple[Draw, float]] = (
    (GroupChanger._set_role, 8),
    (GroupChanger._remove, 3),
    (GroupChanger._rename, 2),
    (GroupChanger._describe, 1),
    (GroupChanger._ban, 1),
    (GroupChanger._lift_ban, 3),
    (GroupChanger._hand_over, 0.7),
    (GroupChanger._dissolve, 0.7),
)
_OF_MEMBERS: Sequence[tuple[Draw, float]] = (
    (GroupChanger._join, 9),
    (GroupChanger._leave, 4),
    (GroupChanger._remove, 4),
    (GroupChanger._rename, 2),
    (GroupChanger._describe, 1),
    (GroupChanger._set_role, 1),
    (GroupChanger._hand_over, 0.5),
    (GroupChanger._dissolve, 0.5),
)


def _same(change: Change) -> tuple[object, ...]:
    return change.event, change.group, change.user, change.mark


def event_of(message: Message, receiver: int, device: int, connection: int, at: int) -> Event:
    """What a GROUP_EVENT_MSG says. ``at``: the position in the history."""
    word = message["event"]
    field_of = {"role": "role", "banned": "reason", "changed": "groupdesc"}
    field_of |= {"created": "groupname", "renamed": "groupname"}
    mark = message[field_of[word]] if word in field_of else ""
    user, by = message.get("userid", 0), message.get("by", 0)
    place = (receiver, device, connection, message["seq"])
    return Event(*place, word, message["groupid"], user, by, mark, at)
