"""GroupEvents: stores the changes of groups as entries of the log, and brings them to the members.

    the transaction of the change ── record ──▶ a row of the log, a mailbox row for each device
    after its commit              ── announce ─▶ the pumps of these devices, here and elsewhere

An event is in the transaction of its change. So after a ``kill -9`` there are both or neither. The
commit queue, which stores messages, has a transaction of its own: between the two a crash could
lose the event. If the announcement is lost, the poll finds the rows.

Only named devices get events, and before the first of them there are none. The transaction locks
the counter of devices, so it sees each device of the members. It locks the group, so messages to
the group are either before the change, with a lower number, or after it.

Example: A removes B while C writes to the group. C's message is stored first, and B gets it with
number 7, then the event with number 8. Or the event is first, with number 7, and B gets no 8.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import ujson

from chat.delivery.router import Router
from chat.group_event import NAME_OF, GroupEvent
from chat.group_notice import DISSOLVED, JOINED, LEFT
from chat.mailbox.quota import MailboxQuota
from chat.mailbox_number import owner
from chat.process.clock import Clock
from chat.protocol import Message
from chat.storage import Transaction
from chat.storage.tables import (
    DirectoryModel,
    EventRow,
    GroupEventModel,
    MailboxGapModel,
    OfflineMessageModel,
)

MOST_TOLD = 1000
"""Devices in the largest group that are told of each member that joins or leaves. In a larger group
the user's own devices are told; the history has the event. All other events are acts of
administrators, and go to all devices."""


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A change of a group, in the making.

    Attributes:
        group_id, event: the group, and the word for the change.
        user_id: the user whose membership changes; 0: the change is of the group itself.
        by: the user that makes the change; 0: an operator.
        former: users that are no members any more, and are told, too.
        fields: further fields for clients: texts and numbers.
    """

    group_id: int
    event: str
    user_id: int
    by: int
    former: Collection[int] = ()
    fields: Message = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in the log. ``former``: of its change."""

    event: GroupEvent
    former: frozenset[int]


class GroupEvents:
    """See the module's text. Worker threads."""

    def __init__(self, router: Router, quota: MailboxQuota, *, one_device: bool = False) -> None:
        """``one_device``: there are no named devices (``direct``)."""
        self._router = router
        self._quota = quota
        self._one_device = one_device
        self._clock = Clock()

    def record(self, tx: Transaction, *changes: GroupChange) -> list[Recorded]:
        """Store changes in their own transaction; none while no user has a named device.

        The groups are locked, and before them the devices (``DeviceModel.hold_shared``). The
        members are those after the change. Before a group is deleted: those who lose it. Raises
        StorageError.
        """
        model = GroupEventModel(tx)
        if self._one_device or not changes or not model.any_devices():
            return []
        time = self._clock.text()
        stored = [_details(change) for change in changes]
        seqs = model.insert(
            [
                EventRow(change.group_id, time, ujson.dumps(details, ensure_ascii=False))
                for change, details in zip(changes, stored, strict=True)
            ]
        )
        recorded = []
        for change, details, seq in zip(changes, stored, seqs, strict=True):
            event = GroupEvent(seq, change.group_id, time, {**details, **change.fields})
            event.add_names(dict(DirectoryModel(tx).names(event.user_ids)))
            event.receivers = _receivers(tx, change)
            recorded.append(Recorded(event, frozenset(change.former)))
        rows = [(mailbox, one.event.seq) for one in recorded for mailbox in one.event.receivers]
        OfflineMessageModel(tx).insert(rows)
        return recorded

    def announce(self, recorded: Sequence[Recorded]) -> None:
        """Their transaction is committed: wake the devices. Any thread."""
        owed = [one for one in recorded if one.event.receivers]
        for one in owed:
            self._router.announce_event(one.event, one.former)
        if owed:
            self._quota.committed([one.event for one in owed])


def _details(change: GroupChange) -> Message:
    """The fields in the log: no names of users."""
    details: Message = {"event": change.event}
    if change.user_id:
        details["userid"] = change.user_id
    if change.by:
        details["by"] = change.by
    names = NAME_OF.values()
    return {**details, **{k: value for k, value in change.fields.items() if k not in names}}


def _receivers(tx: Transaction, change: GroupChange) -> frozenset[int]:
    """The mailboxes that the event goes to.

    A mailbox with a gap gets it when the gap is filled, but a user that loses the group gets it
    now: nothing fills the gap any more.
    """
    model = GroupEventModel(tx)
    found = model.of_members(change.group_id)
    if change.event in (JOINED, LEFT) and len(found) > MOST_TOLD:
        found = {mailbox for mailbox in found if owner(mailbox) == change.user_id}
    if change.event != DISSOLVED:
        found -= MailboxGapModel(tx).of_groups([change.group_id]).get(change.group_id, {}).keys()
    if change.former:
        found |= model.of_users(change.former)
    return frozenset(found)
