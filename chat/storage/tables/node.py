"""NodeModel: the table ``node``, the servers and the ends of their leases."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Transaction
from chat.storage.schema import SCHEMA_VERSION

LEASE_SECONDS = 10.0
"""The duration of a lease that is not renewed."""

VOID_MILLISECONDS = int(2 * LEASE_SECONDS * 1000)
"""A lease with more time left than this is void.

Example: server A dies, and then the database's clock is set back by an hour. A's lease would run
for another hour. It is void instead, and A's users can log in elsewhere. The bound is two leases
and not one, because the servers of a replicated database have clocks that differ a little."""

DRAIN = "drain"
"""The command with which a server finishes its work and ends."""

DRAINING = "draining"
"""The state of a server that takes no new clients and will end. A server of version 3 of the tables
does not read it; the state of a running server is "serving"."""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A server, as of its last renewal.

    Attributes:
        name: of the node.
        connections: the number of its open connections.
        bus: the state of its bus, in one word.
        left: the milliseconds until its lease ends; negative after the end.
        state: serving or draining.
    """

    name: str
    left: int
    connections: int
    bus: str
    state: str

    @property
    def alive(self) -> bool:
        return runs(self.left)


def runs(left: int) -> bool:
    """Does a lease with so many milliseconds left count as running?"""
    return 0 < left <= VOID_MILLISECONDS


class NodeModel:
    """Leases by the database's clock, within one transaction. Worker or lease thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._runs = f"expires > {tx.clock} AND expires <= {tx.clock} + {VOID_MILLISECONDS}"

    def claim(self, name: str, incarnation: str, place: str, milliseconds: int) -> str | None:
        """Begin a lease, and end the lease of an earlier incarnation at the same place.

        Returns None, or the place of another server that lives under this name; then nothing has
        changed.
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
            "INSERT INTO node (name, incarnation, place, version, expires) "
            f"SELECT ?, ?, ?, ?, {self._tx.clock} + ?",
            (name, incarnation, place, SCHEMA_VERSION, milliseconds),
        )
        return None

    def left(self, name: str, incarnation: str) -> int | None:
        """The milliseconds until the lease ends; None if another incarnation has the name."""
        rows = self._tx.query(
            f"SELECT expires - {self._tx.clock} FROM node WHERE name = ? AND incarnation = ?"
            + self._tx.for_update,
            (name, incarnation),
        )
        return int(rows[0][0]) if rows else None

    def renew(self, name: str, milliseconds: int, connections: int, bus: str) -> None:
        """Let the lease end so many milliseconds from now."""
        self._tx.execute(
            f"UPDATE node SET expires = {self._tx.clock} + ?, connections = ?, bus = ? "
            "WHERE name = ?",
            (milliseconds, connections, bus, name),
        )

    def give_command(self, name: str, command: str) -> None:
        """Leave a command for a server, which takes it with its next renewal.

        A server of version 3 of the tables never takes it.
        """
        self._tx.execute("UPDATE node SET command = ? WHERE name = ?", (command, name))

    def take_command(self, name: str) -> str:
        """The command for this server, once; "" without one. ``left`` has locked the row."""
        ((command,),) = self._tx.query("SELECT command FROM node WHERE name = ?", (name,))
        if command:
            self.give_command(name, "")
        return str(command)

    def set_state(self, name: str, incarnation: str, state: str) -> None:
        """Show this state in the list of servers. It ends with the incarnation."""
        self._tx.execute(
            "UPDATE node SET state = ? WHERE name = ? AND incarnation = ?",
            (state, name, incarnation),
        )

    def release(self, name: str, incarnation: str) -> None:
        """End the lease."""
        self._tx.execute("DELETE FROM node WHERE name = ? AND incarnation = ?", (name, incarnation))

    def alive(self) -> set[str]:
        """The names of the servers with a running lease."""
        rows = self._tx.query(f"SELECT name FROM node WHERE {self._runs}")
        return {name for (name,) in rows}

    def has_older(self, version: int, grace: int) -> bool:
        """Does a server run that knows older tables than these?

        ``grace``: milliseconds for which it counts as running after the end of its lease.
        """
        sql = f"SELECT 1 FROM node WHERE version < ? AND expires > {self._tx.clock} - ? LIMIT 1"
        return bool(self._tx.query(sql, (version, grace)))

    def delete_older(self, version: int) -> None:
        """End the leases of servers that know older tables: such a server stops if it goes on."""
        self._tx.execute("DELETE FROM node WHERE version < ?", (version,))

    def is_alive(self, name: str) -> bool:
        """Has the server of this name a running lease?"""
        sql = f"SELECT 1 FROM node WHERE name = ? AND {self._runs}"
        return bool(self._tx.query(sql, (name,)))

    def all(self) -> list[NodeRow]:
        """All servers with a row, by name. The lease of some may have ended."""
        rows = self._tx.query(
            f"SELECT name, expires - {self._tx.clock}, connections, bus, state FROM node "
            "ORDER BY name"
        )
        return [NodeRow(name, int(left), *rest) for name, left, *rest in rows]
