"""BanList: keeps the bans of one server equal to the table ``addressban``.

Each server reads the table every few seconds. So a ban holds everywhere soon, also if no bus
connects the servers, and an expired one ends.
"""

from __future__ import annotations

import logging

from chat.connection.server import ChatServer
from chat.process.clock import Clock
from chat.storage import Database
from chat.storage.tables import AddressBanModel

log = logging.getLogger(__name__)

READ_SECONDS = 5.0
"""Between two readings of the table."""


class BanList:
    """Reads the table for a ChatServer. Worker thread: it blocks."""

    def __init__(self, database: Database, server: ChatServer, clock: Clock) -> None:
        self._database = database
        self._server = server
        self._clock = clock

    def read(self) -> None:
        """Use the bans of the table, and close the connections that they hit.

        Raises StorageError; then the former bans hold.
        """
        now = self._clock.unix()
        bans = self._database.read(lambda tx: AddressBanModel(tx).active(now))
        try:
            changed = self._server.bans.replace(ban.network for ban in bans)
        except ValueError as exc:  # written by other means than chatctl
            log.error("a wrong row in the table addressban, the former bans stay: %s", exc)
            return
        if changed:
            self._server.close_banned()
