"""The name of the service, and the epoch: two random names in the table ``setting``.

The first server on a database makes both.

service   never changes, wherever the servers are. Each account gets its own name, made of this one
          and its number, so a client can keep its files under that name. No other server can know
          it: a stranger's server cannot pass for this one and get the saved messages of a client.
epoch     the history of the database. Clients remember the numbers of the messages that they have
          shown. After a restore, new messages get numbers that lost messages have had, and clients
          would take them for repetitions. So a restore begins a new epoch.

A server of version 0.2.0 does neither: a login there answers without these names.
"""

from __future__ import annotations

import hashlib
import secrets

from chat.storage import Database, Transaction
from chat.storage.tables import EPOCH, SERVICE, NodeModel, SettingModel

NAME_BYTES = 16


class ServersRunError(Exception):
    """Servers of this database still run, or may still run.

    Attributes:
        nodes: their names.
    """

    def __init__(self, nodes: list[str]) -> None:
        super().__init__(nodes)
        self.nodes = nodes

    def __str__(self) -> str:
        names = ", ".join(self.nodes)
        return f"a server of this database runs ({names}): stop it; after a crash wait 10 seconds"


def make_names(tx: Transaction) -> None:
    """Make the names that are missing. Raises StorageError.

    Example: A and B start at once on a new database. A locks ``schema_version``; B waits there, and
    then finds A's names.
    """
    settings = SettingModel(tx)
    settings.get("schema_version", lock=True)
    for name in (SERVICE, EPOCH):
        if settings.get(name, lock=True) is None:
            settings.set(name, new_name())


def begin_epoch(database: Database) -> str:
    """Begin a new epoch; returns its name. Main thread: blocks.

    A client that is logged in meanwhile would keep the former epoch beside new numbers. So no
    server may run. Raises ServersRunError, StorageError; then nothing has changed.
    """
    epoch = new_name()

    def change(tx: Transaction) -> list[str]:
        settings = SettingModel(tx)
        settings.get("schema_version", lock=True)
        alive = sorted(NodeModel(tx).alive())
        if not alive:
            settings.set(EPOCH, epoch)
        return alive

    nodes = database.write(change)
    if nodes:
        raise ServersRunError(nodes)
    return epoch


def new_name() -> str:
    """A random name."""
    return secrets.token_hex(NAME_BYTES)


def service_of(service: str, user_id: int) -> str:
    """The name of the service for one account. Any thread."""
    key = service.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    return hashlib.blake2b(b"%d" % user_id, digest_size=NAME_BYTES, key=key).hexdigest()
