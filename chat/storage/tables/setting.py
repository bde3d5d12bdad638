"""SettingModel: the table ``setting``, values that all servers on one database share."""

from __future__ import annotations

import secrets

from chat.storage.base import Transaction

SERVICE, EPOCH = "service", "epoch"
"""The name of the service, and that of the database's history: see ``chat/epoch.py``."""

ROOM, ROOM_END = "room.", "room/"
"""How their names begin, and the first text after all of them."""

ROOM_ROWS, ROOM_WIDTH = 1024, 255
"""Rows that show whether the disk has room. The messages of a busy second need as much."""


class SettingModel:
    """Named values, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, name: str, *, lock: bool = False, share: bool = False) -> str | None:
        """Read a setting; None if it is not set.

        ``share``: until the commit no other transaction can change it. ``lock``: no other
        transaction can lock it either, for sharing or for a change.
        """
        ending = self._tx.for_update if lock else self._tx.for_share if share else ""
        rows = self._tx.query("SELECT value FROM setting WHERE name = ?" + ending, (name,))
        return rows[0][0] if rows else None

    def identity(self) -> tuple[str, str]:
        """The values of SERVICE and EPOCH; "" for one that no server has made yet."""
        sql = "SELECT name, value FROM setting WHERE name IN (?, ?)"
        values: dict[str, str] = dict(self._tx.query(sql, (SERVICE, EPOCH)))
        return values.get(SERVICE, ""), values.get(EPOCH, "")

    def set(self, name: str, value: str) -> None:
        """Store a setting, new or not. To change one safely, lock it first (``get``)."""
        if not self._tx.execute("UPDATE setting SET value = ? WHERE name = ?", (value, name)):
            self._tx.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (name, value))

    def probe(self) -> None:
        """Change no row. It raises StorageError where the database takes no changes.

        Example: the server of the database is a replica, which is read-only.
        """
        self._tx.execute("UPDATE setting SET value = value WHERE name = ?", ("",))

    def fill_room(self) -> None:
        """Add rows of 256 KiB. It raises StorageError where the disk has no room for them.

        ``clear_room`` deletes them, in a later transaction: SQLite writes nothing for rows that
        end in the transaction that adds them.
        """
        prefix = ROOM + secrets.token_hex(8)
        rows = [(f"{prefix}.{number}", "x" * ROOM_WIDTH) for number in range(ROOM_ROWS)]
        self._tx.insert_rows("setting", ("name", "value"), rows)

    def clear_room(self) -> None:
        """Delete the rows of ``fill_room``, also those of a server that was killed meanwhile."""
        self._tx.execute("DELETE FROM setting WHERE name >= ? AND name < ?", (ROOM, ROOM_END))
