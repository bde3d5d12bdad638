"""DeviceModel: the table ``device``, the devices of users and their mailboxes."""

from __future__ import annotations

from collections.abc import Collection

from chat.storage.base import Transaction
from chat.storage.tables.rows import DELETED

DEVICES = "devices"
"""The setting that grows with each new or ended device, of any user. A transaction that holds it
shared knows that no user's mailboxes change until its commit."""


class DeviceModel:
    """Devices, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def mailboxes(self, user_ids: Collection[int]) -> dict[int, frozenset[int]]:
        """The mailbox numbers of those of these users that exist.

        A user without rows has the unnamed device.
        """
        rows = self._tx.query_in(
            "SELECT user.id, device.mailbox FROM user LEFT JOIN device ON device.userid = user.id "
            "WHERE user.id IN :ids AND user.status <> ?",
            sorted(user_ids),
            after=(DELETED,),
        )
        found: dict[int, set[int]] = {}
        for user_id, mailbox in rows:
            found.setdefault(user_id, set()).add(mailbox or user_id)
        return {user_id: frozenset(mailboxes) for user_id, mailboxes in found.items()}

    def hold(self) -> None:
        """Wait for all messages in the making; until the commit no other one begins.

        Lock the rows of users before.
        """
        if self._tx.for_update:
            sql = "SELECT value FROM setting WHERE name = ?" + self._tx.for_update
            self._tx.query(sql, (DEVICES,))

    def hold_shared(self) -> None:
        """Until the commit no user gets or loses a device. As messages do, it stops no message.

        Lock the rows of users before, and groups after it.
        """
        if self._tx.for_share:
            sql = "SELECT value FROM setting WHERE name = ?" + self._tx.for_share
            self._tx.query(sql, (DEVICES,))

    def changed(self) -> None:
        """As ``hold``; and all servers look the mailboxes of users up again."""
        self._tx.execute("UPDATE setting SET value = value + 1 WHERE name = ?", (DEVICES,))

    def generations(self, mailboxes: Collection[int]) -> dict[int, int]:
        """The login generation of each of these named devices that exists."""
        sql = "SELECT mailbox, generation FROM device WHERE mailbox IN :ids"
        return dict(self._tx.query_in(sql, sorted(mailboxes)))
