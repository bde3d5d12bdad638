"""DeviceSwitch: whether users may have named devices.

Servers of version 4 of the tables know the unnamed device only: their messages get no row in the
mailbox of another one. So named devices begin when the last of these servers has ended. Then the
switch is on for ever, in ``setting``; a server of version 4 cannot start on these tables. On tables
that were created as version 5 it is on from the beginning.

A server of version 4 may be frozen, count as dead, and go on later. Turning the switch on fences
such servers:

- It waits for GRACE_SECONDS after the end of such a lease.
- A server turns the switch only while it may judge others (lease.py). So it fences no server of its
  own version that renews its lease after an outage of the database.
- It deletes their rows in ``node``. Such a server stops at its next renewal.
- It increases the generations of the users that are not online at a living server. So the logins of
  such a server can send nothing.
"""

from __future__ import annotations

from functools import partial

from chat.login.lease import Lease
from chat.storage import Database, Transaction
from chat.storage.tables import ConversationModel, NodeModel, SessionModel, SettingModel

DEVICES_ON = "devices_on"
"""The setting that says that named devices are on."""

KNOWS_DEVICES = 5
"""The first version of the tables with devices."""

GRACE_SECONDS = 60
"""A server of version 4 whose lease ended less than this ago may go on."""

PART = 10_000
"""Users that are fenced in one transaction."""


class DeviceSwitch:
    """See the module's text. Any thread."""

    def __init__(self, database: Database, lease: Lease | None, *, allowed: bool) -> None:
        """``lease``: of this server; None where no other server can use the database. ``allowed``:
        by the settings of this server."""
        self._lease = lease
        self._database = database
        self._allowed = allowed
        self._on = allowed and lease is None  # becomes True once, and stays so

    def is_on(self) -> bool:
        """May a login open a named device now? It turns the switch on if possible.

        Worker thread: blocks. Raises StorageError.
        """
        if self._allowed and not self._on:
            self._on = self._turn_on()
        return self._on

    def _turn_on(self) -> bool:
        is_on, older, last_user = self._database.read(_look)
        if is_on or older or (self._lease is not None and not self._lease.may_judge):
            return is_on
        for first in range(1, last_user + 1, PART):
            self._database.write(partial(_fence, first=first))
        return self._database.write(_turn_on)


def _look(tx: Transaction) -> tuple[bool, bool, int]:
    is_on = SettingModel(tx).get(DEVICES_ON) is not None
    return is_on, _has_older(tx), 0 if is_on else SessionModel(tx).last_user()


def _has_older(tx: Transaction) -> bool:
    return NodeModel(tx).has_older(KNOWS_DEVICES, GRACE_SECONDS * 1000)


def _fence(tx: Transaction, first: int) -> None:
    SessionModel(tx).fence(first, first + PART - 1, NodeModel(tx).alive())


def _turn_on(tx: Transaction) -> bool:
    if SettingModel(tx).get(DEVICES_ON, lock=True) is None:
        if _has_older(tx):
            return False
        NodeModel(tx).delete_older(KNOWS_DEVICES)
        ConversationModel(tx).fill()  # the rows that servers of version 4 have not inserted
        SettingModel(tx).set(DEVICES_ON, "1")
    return True
