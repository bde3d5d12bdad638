"""GroupEventModel: the events of groups, rows of the table ``message``.

Their kind is GROUP_EVENT_MSG, their sender 0, their target the group. The database computes the
number of their conversation from the sender and the target: the id of the group, which is no
conversation of two users. So the columns are those of all versions, and a server of version 4 finds
no event: neither in a history, nor in the mailbox of an unnamed device.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import NamedTuple

from chat.protocol import GROUP_EVENT, MAX_ID
from chat.storage.base import Transaction
from chat.storage.tables.device import DEVICES
from chat.storage.tables.message import LogRow, MessageModel
from chat.storage.tables.setting import SettingModel


class EventRow(NamedTuple):
    """An event to store. ``details``: JSON."""

    group_id: int
    time: str
    details: str


class GroupEventModel:
    """Events of groups, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def any_devices(self) -> bool:
        """Has there ever been a named device?"""
        return SettingModel(self._tx).get(DEVICES) not in (None, "0")

    def insert(self, rows: Sequence[EventRow]) -> list[int]:
        """Add events to the log; returns their numbers."""
        logged = [
            LogRow(0, secrets.token_hex(16), GROUP_EVENT, row.group_id, "", row.time, row.details)
            for row in rows
        ]
        return [seq for seq in MessageModel(self._tx).insert_new(logged) if seq is not None]

    def of_members(self, group_id: int) -> set[int]:
        """The mailboxes of the members' named devices."""
        rows = self._tx.query(
            "SELECT device.mailbox FROM groupuser JOIN device ON device.userid = groupuser.userid "
            "WHERE groupuser.groupid = ? AND device.mailbox > ?",
            (group_id, MAX_ID),
        )
        return {mailbox for (mailbox,) in rows}

    def of_users(self, user_ids: Collection[int]) -> set[int]:
        """The mailboxes of these users' named devices."""
        rows = self._tx.query_in(
            "SELECT mailbox FROM device WHERE userid IN :ids AND mailbox > ?",
            sorted(user_ids),
            after=(MAX_ID,),
        )
        return {mailbox for (mailbox,) in rows}
