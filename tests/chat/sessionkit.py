"""Sessions without a server."""

from __future__ import annotations

from chat.storage import Database
from chat.storage.tables import SessionModel, User


def go_online(database: Database, user: User, node: str, device: str | None = None) -> int | None:
    """The unnamed device of ``user``, a row as it was read, logs in at ``node``."""
    return database.write(
        lambda tx: SessionModel(tx).go_online(user.id, user.generation, node, device)
    )
