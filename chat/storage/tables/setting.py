"""SettingModel: the table ``setting``, what all servers on one database must agree on."""

from __future__ import annotations

from chat.storage.base import Transaction


class SettingModel:
    """Named values. One transaction's; worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def get(self, name: str, *, lock: bool = False, share: bool = False) -> str | None:
        """Read a setting. ``share``: others cannot change it before the commit. ``lock``: nor can
        they lock it, for either purpose."""
        ending = self._tx.for_update if lock else self._tx.for_share if share else ""
        rows = self._tx.query("SELECT value FROM setting WHERE name = ?" + ending, (name,))
        return rows[0][0] if rows else None

    def set(self, name: str, value: str) -> None:
        if not self._tx.execute("UPDATE setting SET value = ? WHERE name = ?", (value, name)):
            self._tx.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (name, value))
