"""Handover and LiveBatch: hand live messages to the logins of one loop.

A receiver takes a live message if its pump is empty: it has acknowledged everything, and reads its
output. All other receivers are late: the message is stored for them. Until that is done
(``stores_pending``), their pumps take no live message. Example: B's output is full, so A's message
1 to B is being stored. B reads again, and A sends 2. Live, 2 would overtake 1; so it is stored,
too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from chat.connection.classic_writer import ClassicWriter
from chat.connection.connection import ClientConnection
from chat.login.login import Login
from chat.mailbox.pump import Pump
from chat.message import ChatMessage

Connection = ClientConnection[Login]

Late = list[tuple[int, Pump]]
"""Late receivers of a message, with their pumps."""


class Handover:
    """One live message and its receivers in one loop. That loop's thread.

    Attributes:
        message: shared by all its receivers in all loops.
        late: the receivers that need it stored.
        waiting: the number of original clients whose writer has not written the message yet.
    """

    __slots__ = ("_report", "late", "message", "waiting")

    def __init__(self, message: ChatMessage) -> None:
        self.message = message
        self.late: Late = []
        self.waiting = 0
        self._report: Callable[[Late], object] | None = None

    def divert(self, user_id: int, pump: Pump) -> None:
        """The receiver is late. ``Submission.settle_diverted`` undoes ``stores_pending``."""
        pump.stores_pending += 1
        self.late.append((user_id, pump))

    def queue(self, user_id: int, pump: Pump, writer: ClassicWriter) -> None:
        """Give it to an original client's writer. It is received when its last frame is written."""

        def done(written: bool) -> None:
            self.waiting -= 1
            if not written:
                self.divert(user_id, pump)
            self._settle()

        self.waiting += 1
        pump.connection.counters.paced += 1
        writer.hand_over(self.message, done, live=True)

    def finish(self, report: Callable[[Late], object]) -> None:
        """All receivers are added. ``report`` gets ``late`` when no writer has the message any
        more."""
        self._report = report
        self._settle()

    def _settle(self) -> None:
        if not self.waiting and self._report is not None:
            report, self._report = self._report, None
            report(self.late)


class LiveBatch:
    """Live messages for logins of one loop. Those of a login go out in one write. Loop thread."""

    def __init__(self) -> None:
        self._out: defaultdict[Connection, list[bytes]] = defaultdict(list)

    def take(self, login: Login, handover: Handover) -> None:
        """Add the message to the output of this login, or count the receiver as late."""
        if login.pump.empty:
            connection = login.connection
            writer = connection.classic_output.writer
            if writer is None:
                connection.add_frames(handover.message, self._out[connection])
                return
            if writer.takes_live:
                handover.queue(login.user_id, login.pump, writer)
                return
        handover.divert(login.user_id, login.pump)

    def take_all(self, receivers: Iterable[Login], handover: Handover) -> None:
        """``take`` for each receiver."""
        for login in receivers:
            self.take(login, handover)

    def write(self) -> None:
        """Send the output."""
        for connection, frames in self._out.items():
            connection.counters.live += len(frames)
            connection.send_frames(frames)
