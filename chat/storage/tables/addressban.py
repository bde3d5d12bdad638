"""AddressBanModel: the table ``addressban``, the networks that may not connect."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Transaction

REASON = 200
"""Characters of the column."""


@dataclass(frozen=True, slots=True)
class AddressBan:
    """A banned network, such as ``203.0.113.0/24``. ``expires``: Unix seconds; 0: never."""

    network: str
    expires: int
    reason: str


class AddressBanModel:
    """Bans, within one transaction. Worker thread. A server of version 3 knows no bans."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def set(self, network: str, expires: int, reason: str) -> None:
        """Ban a network, or change its ban."""
        self.delete(network)
        self._tx.execute(
            "INSERT INTO addressban (network, expires, reason) VALUES (?, ?, ?)",
            (network, expires, reason[:REASON]),
        )

    def delete(self, network: str) -> bool:
        """End a ban; False if there is none of exactly this network."""
        sql = "DELETE FROM addressban WHERE network = ?"
        return bool(self._tx.execute(sql, (network,)))

    def active(self, now: int) -> list[AddressBan]:
        """The bans that have not expired, by network. ``now``: Unix seconds."""
        rows = self._tx.query(
            "SELECT network, expires, reason FROM addressban "
            "WHERE expires = 0 OR expires > ? ORDER BY network",
            (now,),
        )
        return [AddressBan(*row) for row in rows]

    def delete_expired(self, now: int) -> None:
        """Delete the others."""
        self._tx.execute("DELETE FROM addressban WHERE expires > 0 AND expires <= ?", (now,))
