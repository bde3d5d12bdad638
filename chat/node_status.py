"""NodeStatus: the servers of a database, for ``chatctl node list`` and ``chatcluster status``."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage import Transaction
from chat.storage.tables import NodeModel, SessionModel


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """A server, as of the last renewal of its lease.

    Attributes:
        name: of the node.
        users: online at it.
        connections: open at it, with those of guests.
        lease: seconds until its lease ends; negative after the end; None: it needs none.
        alive: the lease has not ended.
        bus: the state of its bus, in one word; empty: it has not been reported yet.
        state: serving or draining.
    """

    name: str
    users: int
    connections: int
    lease: float | None
    alive: bool
    bus: str
    state: str


def read_nodes(tx: Transaction) -> list[NodeStatus]:
    """All servers with a row, by name. Worker thread. Raises StorageError."""
    users = SessionModel(tx).online_by_node()
    return [
        NodeStatus(
            row.name,
            users.get(row.name, 0),
            row.connections,
            row.left / 1000,
            row.alive,
            row.bus,
            row.state,
        )
        for row in NodeModel(tx).all()
    ]
