"""DeviceModel: the table ``device``, the devices of users and their mailboxes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from chat.mailbox_number import MAX_MAILBOX
from chat.protocol import MAX_ID
from chat.storage.base import Transaction
from chat.storage.tables.rows import DELETED
from chat.storage.tables.setting import SettingModel

DEVICES = "devices"
"""The setting that grows with each new or ended device, of any user. A transaction that holds it
shared knows that no user's mailboxes change until its commit."""

PART = 500
"""Devices that ``part`` reads in one statement."""


@dataclass(frozen=True, slots=True)
class Device:
    """A row of ``device``.

    Attributes:
        mailbox: its number.
        user_id: the owner.
        hash: of its identification; "" for the unnamed device.
        label: its name for its owner.
        first, used: the first and the last login, Unix seconds.
        node: with its login; None if it is offline.
        since: the newest message in the log at the first login. Later ones are in the mailbox.
    """

    mailbox: int
    user_id: int
    hash: str
    label: str
    first: int
    used: int
    node: str | None
    since: int


class SeenDevice(NamedTuple):
    """A device and its last use, Unix seconds."""

    mailbox: int
    user_id: int
    used: int
    online: bool


class DeviceModel:
    """Devices, within one transaction. Worker or writer thread.

    A transaction that changes devices has locked the row of the user.
    """

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
        SettingModel(self._tx).get(DEVICES, lock=True)

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

    def of_user(self, user_id: int) -> list[Device]:
        """The devices of a user, the unnamed one first. None: only the unnamed one exists."""
        rows = self._tx.query(
            "SELECT device.mailbox, device.userid, device.hash, device.label, device.first, "
            "device.used, CASE WHEN device.hash = '' THEN user.node ELSE device.node END, "
            "device.since FROM device JOIN user ON user.id = device.userid "
            "WHERE device.userid = ? ORDER BY device.mailbox",
            (user_id,),
        )
        return [Device(*row) for row in rows]

    def since(self, mailbox: int) -> int | None:
        """The newest message when a device was opened; None if there is no such device."""
        rows = self._tx.query("SELECT since FROM device WHERE mailbox = ?", (mailbox,))
        return rows[0][0] if rows else None

    def next_number(self) -> int:
        """Increase the counter; returns a number that no device of any user has had.

        From now until the commit no other transaction stores messages: it would hold the counter.
        The user is locked: that is the order of locks.
        """
        number = int(SettingModel(self._tx).get(DEVICES, lock=True) or 0) + 1
        SettingModel(self._tx).set(DEVICES, str(number))
        return number

    def insert(self, device: Device) -> None:
        """Add a device. ``next_number`` has been called."""
        self._tx.execute(
            "INSERT INTO device (mailbox, userid, hash, label, first, used, since) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(device.mailbox, device.user_id, device.hash, device.label),
                *(device.first, device.used, device.since),
            ),
        )

    def delete_of_user(self, user_id: int) -> None:
        """Delete the rows of a user, who has the unnamed device only then. As ``insert``."""
        self._tx.execute("DELETE FROM device WHERE userid = ?", (user_id,))

    def users_with_more(self, most: int) -> int:
        """The number of users with more devices than ``most``. It reads the whole table.

        With 1: users with any named device.
        """
        sql = (
            "SELECT COUNT(*) FROM (SELECT userid FROM device GROUP BY userid "
            "HAVING COUNT(*) > ? OR MAX(mailbox) > ?) AS many"
        )
        ((count,),) = self._tx.query(sql, (most, MAX_ID if most == 1 else MAX_MAILBOX))
        return int(count)

    def note_use(self, mailbox: int, now: int, label: str | None = None) -> None:
        """A login with this device. The time never goes back. ``label``: None: keep the old one."""
        self._tx.execute(
            "UPDATE device SET used = CASE WHEN used > ? THEN used ELSE ? END, "
            "label = COALESCE(?, label) WHERE mailbox = ?",
            (now, now, label, mailbox),
        )

    def note_all_used(self, mailboxes: Collection[int], now: int) -> None:
        """These devices are online."""
        sql = "UPDATE device SET used = ? WHERE mailbox IN :ids AND used < ?"
        self._tx.execute_in(sql, sorted(mailboxes), before=(now,), after=(now,))

    def part(self, after: int) -> list[SeenDevice]:
        """The next PART devices above the mailbox ``after``."""
        rows = self._tx.query(
            "SELECT device.mailbox, device.userid, device.used, "
            "CASE WHEN device.hash = '' THEN user.node ELSE device.node END IS NOT NULL "
            "FROM device JOIN user ON user.id = device.userid "
            "WHERE device.mailbox > ? ORDER BY device.mailbox LIMIT ?",
            (after, PART),
        )
        return [
            SeenDevice(mailbox, user_id, used, bool(online))
            for mailbox, user_id, used, online in rows
        ]
