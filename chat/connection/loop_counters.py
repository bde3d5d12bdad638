"""LoopCounters: what the connections of one loop have done, for the status page.

The loop's thread changes them, without a lock; any thread reads them. They cost 40 ns for each
request. Everything else is counted once for a batch, for a connection, or in the sweep.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from chat.counters import Tally
from chat.protocol import MsgType

if TYPE_CHECKING:
    from chat.connection.connection import AnyConnection

MESSAGES = 128
"""Above every ``msgid``. Requests with another number are refused as ERROR_MSG."""

ERRNOS = 16
"""Above every ``errno``."""

CLOSE_REASONS = (
    "abuse",
    "banned",
    "bytes",
    "draining",
    "flood",
    "http",
    "idle",
    "proxy",
    "replaced",
    "room",
    "slow",
    "stalled",
)
"""The reasons for which a server closes a connection; any other one counts as ``other``."""


class Census(NamedTuple):
    """The connections of one loop, and all bytes of it, as they were at the last sweep.

    Attributes:
        guests, classic, v2: connections without a login, and with one, by its dialect.
        received, sent: bytes since the start, those of former connections included.
    """

    guests: int = 0
    classic: int = 0
    v2: int = 0
    received: int = 0
    sent: int = 0


class LoopCounters:
    """See the module's text. All methods: the loop.

    Attributes:
        name: of the loop, for the label of its metrics.
        requests: requests that were taken up, by ``msgid``.
        refusals: failures that were answered, by ``msgid`` and ``errno``; 0: not a request.
        accepted: connections that came up.
        closed: connections that the server has ended, by reason.
        logins, registrations: that succeeded.
        woken: deliveries of messages whose commit was announced. A message to ten receivers is
            ten deliveries.
        read: deliveries of messages that were read from a mailbox.
        live: deliveries of messages that are in no table.
        paced: deliveries by a ClassicWriter, which sends one message at a time.
        census: replaced by each sweep.
    """

    __slots__ = (
        "_gone_received",
        "_gone_sent",
        "accepted",
        "census",
        "closed",
        "live",
        "logins",
        "name",
        "paced",
        "read",
        "refusals",
        "registrations",
        "requests",
        "woken",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests = [0] * MESSAGES
        self.refusals = [[0] * ERRNOS for _ in range(MESSAGES)]
        self.accepted = 0
        self.closed = Tally(*CLOSE_REASONS)
        self.logins = 0
        self.registrations = 0
        self.woken = 0
        self.read = 0
        self.live = 0
        self.paced = 0
        self.census = Census()
        self._gone_received = 0
        self._gone_sent = 0

    def refuse(self, msgid: object, errno: int) -> None:
        """Count a failed request. A ``msgid`` that is no known number counts as 0."""
        number = msgid if isinstance(msgid, int) and 0 < msgid < MESSAGES else 0
        self.refusals[number][errno] += 1

    def count_entrance(self, msgid: int) -> None:
        """Count a successful login or registration."""
        if msgid == MsgType.LOGIN_MSG:
            self.logins += 1
        else:
            self.registrations += 1

    def keep_bytes(self, connection: AnyConnection) -> None:
        """Add the bytes of a connection that is down to those of former connections."""
        self._gone_received += connection.tcp.bytes_received
        self._gone_sent += connection.tcp.bytes_sent

    def count(self, connections: Iterable[AnyConnection]) -> None:
        """Take a census of all connections of the loop."""
        guests = classic = v2 = 0
        received, sent = self._gone_received, self._gone_sent
        for connection in connections:
            received += connection.tcp.bytes_received
            sent += connection.tcp.bytes_sent
            if connection.login is None:
                guests += 1
            elif connection.v2:
                v2 += 1
            else:
                classic += 1
        self.census = Census(guests, classic, v2, received, sent)
