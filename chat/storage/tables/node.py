"""NodeModel: the table ``node``, which servers there are and until when they count as alive."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Transaction

LEASE_SECONDS = 10.0
"""How long a lease runs, unless it is renewed."""

VOID_MILLISECONDS = int(2 * LEASE_SECONDS * 1000)
"""A lease that has longer to run was written before the database's clock was set back: a dead
server's would run for as much longer. Twice, because the servers of a replicated database have
clocks that differ a little."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """What a server says of itself.

    Attributes:
        left: milliseconds that its lease has still to run; negative: it is dead. See ``alive``.
    """

    name: str
    left: int
    connections: int
    bus: str

    @property
    def alive(self) -> bool:
        return runs(self.left)


def runs(left: int) -> bool:
    """Does a lease with so many milliseconds to run count?"""
    return 0 < left <= VOID_MILLISECONDS


class NodeModel:
    """Leases, by the database's clock alone. One transaction's; worker or lease thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._runs = f"expires > {tx.clock} AND expires <= {tx.clock} + {VOID_MILLISECONDS}"

    def claim(self, name: str, incarnation: str, place: str, milliseconds: int) -> str | None:
        """Begin a lease, ending that of an earlier incarnation at the same place.

        Returns where another server lives under this name; nothing has been done then.
        """
        rows = self._tx.query(
            f"SELECT place FROM node WHERE name = ? AND place <> ? AND {self._runs}"
            + self._tx.for_update,
            (name, place),
        )
        if rows:
            taken: str = rows[0][0]
            return taken
        self._tx.execute("DELETE FROM node WHERE name = ?", (name,))
        self._tx.execute(
            "INSERT INTO node (name, incarnation, place, expires) "
            f"SELECT ?, ?, ?, {self._tx.clock} + ?",
            (name, incarnation, place, milliseconds),
        )
        return None

    def left(self, name: str, incarnation: str) -> int | None:
        """Milliseconds that the lease has still to run; None if it is not this one's any more."""
        rows = self._tx.query(
            f"SELECT expires - {self._tx.clock} FROM node WHERE name = ? AND incarnation = ?"
            + self._tx.for_update,
            (name, incarnation),
        )
        return int(rows[0][0]) if rows else None

    def renew(self, name: str, milliseconds: int, connections: int, bus: str) -> None:
        """Let the lease run for so long from now on."""
        self._tx.execute(
            f"UPDATE node SET expires = {self._tx.clock} + ?, connections = ?, bus = ? "
            "WHERE name = ?",
            (milliseconds, connections, bus, name),
        )

    def release(self, name: str, incarnation: str) -> None:
        """The server has ended."""
        self._tx.execute("DELETE FROM node WHERE name = ? AND incarnation = ?", (name, incarnation))

    def alive(self) -> set[str]:
        """The names of those whose lease runs."""
        rows = self._tx.query(f"SELECT name FROM node WHERE {self._runs}")
        return {name for (name,) in rows}

    def is_alive(self, name: str) -> bool:
        sql = f"SELECT 1 FROM node WHERE name = ? AND {self._runs}"
        return bool(self._tx.query(sql, (name,)))

    def all(self) -> list[NodeRow]:
        rows = self._tx.query(
            f"SELECT name, expires - {self._tx.clock}, connections, bus FROM node ORDER BY name"
        )
        return [NodeRow(name, int(left), count, bus) for name, left, count, bus in rows]
