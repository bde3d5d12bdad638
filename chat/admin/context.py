"""AdminContext: the parts of the server that commands use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chat.admin.ban_list import BanList
from chat.connection.server import ChatServer
from chat.delivery.delivery import Delivery
from chat.login.lease import Lease
from chat.login.passwords import Passwords
from chat.login.reconciliation import Reconciliation
from chat.login.registry import LoginRegistry
from chat.process.clock import Clock
from chat.reloading import Reloading
from chat.storage import Database


@dataclass(frozen=True, slots=True)
class AdminContext:
    """Each part can be used by any thread.

    Attributes:
        node: this server's name.
        lease: None where no other node can use the database.
        drain: begins the end of this server.
    """

    database: Database
    logins: LoginRegistry
    passwords: Passwords
    delivery: Delivery
    reconciliation: Reconciliation
    server: ChatServer
    clock: Clock
    node: str
    lease: Lease | None
    drain: Callable[[], object]
    reloading: Reloading
    ban_list: BanList
