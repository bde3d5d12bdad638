"""KnownDeviceModel: the table ``knowndevice``, the devices with which a user has logged in."""

from __future__ import annotations

import hashlib

from chat.storage.base import Transaction

KEPT = 10
"""Devices of one user; the ones that were not used for the longest time are forgotten."""

DAY = 86_400


class KnownDeviceModel:
    """Devices by their SHA-256, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def knows(self, user_id: int, device: str) -> bool:
        """Has the user logged in with this device?"""
        return self._used(user_id, device_hash(device)) is not None

    def hashes(self, user_id: int) -> set[str]:
        """The hashes of the devices that the user has logged in with."""
        rows = self._tx.query("SELECT hash FROM knowndevice WHERE userid = ?", (user_id,))
        return {hashed for (hashed,) in rows}

    def note(self, user_id: int, device: str, now: int, *, add: bool = True) -> None:
        """The user logs in with this device. Written once a day. ``now``: Unix seconds.

        ``add``: False for a login by token: it renews a known device, and adds none. Otherwise the
        thief of a token could guess the password with the limits of a known device.
        The row of the user is locked, so no other login of the user changes its devices.
        """
        hashed = device_hash(device)
        used = self._used(user_id, hashed)
        if used is not None and used // DAY >= now // DAY:
            return
        if used is not None:
            sql = "UPDATE knowndevice SET used = ? WHERE userid = ? AND hash = ?"
            self._tx.execute(sql, (now, user_id, hashed))
            return
        if not add:
            return
        rows = self._tx.query(
            "SELECT hash FROM knowndevice WHERE userid = ? ORDER BY used DESC, hash", (user_id,)
        )
        for (old,) in rows[KEPT - 1 :]:
            sql = "DELETE FROM knowndevice WHERE userid = ? AND hash = ?"
            self._tx.execute(sql, (user_id, old))
        sql = "INSERT INTO knowndevice (userid, hash, used) VALUES (?, ?, ?)"
        self._tx.execute(sql, (user_id, hashed, now))

    def _used(self, user_id: int, hashed: str) -> int | None:
        rows = self._tx.query(
            "SELECT used FROM knowndevice WHERE userid = ? AND hash = ?", (user_id, hashed)
        )
        return int(rows[0][0]) if rows else None


def device_hash(device: str) -> str:
    """The form in which devices are stored."""
    return hashlib.sha256(device.encode(errors="surrogatepass")).hexdigest()
