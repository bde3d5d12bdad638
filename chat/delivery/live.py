"""The parts of live delivery: a batch of frames for one loop's logins, and a send's fate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from chat.connection.classic_writer import ClassicWriter
from chat.connection.connection import ClientConnection
from chat.delivery.outgoing import Outgoing
from chat.login.login import Login
from chat.mailbox.pump import Pump
from chat.message import ChatMessage

Connection = ClientConnection[Login]

Late = list[tuple[int, Pump]]
"""Receivers that need the message stored, and their pumps. Until it is, these take nothing live."""


class Handing:
    """One live message on its way to logins of one loop. That loop's thread.

    Attributes:
        late: the receivers that have to wait until it is stored.
        waiting: how many receivers it is being written to, frame by frame (original clients).
    """

    __slots__ = ("_report", "late", "message", "waiting")

    def __init__(self, message: ChatMessage) -> None:
        self.message = message
        self.late: Late = []
        self.waiting = 0
        self._report: Callable[[Late], object] | None = None

    def divert(self, user_id: int, pump: Pump) -> None:
        """Have it stored for this user. Until the pump knows that it is, it takes nothing live."""
        pump.stores_pending += 1
        self.late.append((user_id, pump))

    def queue(self, user_id: int, pump: Pump, writer: ClassicWriter) -> None:
        """It counts as handed over when its last frame is out."""

        def done(written: bool) -> None:
            self.waiting -= 1
            if not written:
                self.divert(user_id, pump)
            self._settle()

        self.waiting += 1
        writer.hand_over(self.message, done, live=True)

    def finish(self, report: Callable[[Late], object]) -> None:
        """No receivers are added any more; ``report`` gets the late ones when they are known."""
        self._report = report
        self._settle()

    def _settle(self) -> None:
        if not self.waiting and self._report is not None:
            report, self._report = self._report, None
            report(self.late)


class LiveBatch:
    """Live messages for logins of one loop; each login's go out in one write. Its thread."""

    def __init__(self) -> None:
        self._out: defaultdict[Connection, list[bytes]] = defaultdict(list)

    def take(self, login: Login, handing: Handing) -> None:
        """Hand the message to this login, or have it stored: it would overtake, or not arrive."""
        if login.pump.empty:
            connection = login.connection
            writer = connection.writer
            if writer is None:
                connection.add_frames(handing.message, self._out[connection])
                return
            if writer.takes_live:
                handing.queue(login.user_id, login.pump, writer)
                return
        handing.divert(login.user_id, login.pump)

    def take_all(self, receivers: Iterable[Login], handing: Handing) -> None:
        """Hand the message to all of them."""
        for login in receivers:
            self.take(login, handing)

    def write(self) -> None:
        """Send what can be sent."""
        for connection, frames in self._out.items():
            connection.send_frames(frames)


class LiveSend:
    """A message on its way to logins that are not in its sender's loop. The sender's loop.

    Attributes:
        parts: how many loops and buses have not yet said whom they reached.
        missed: the receivers that nobody could hand it to: it is stored for them.
    """

    __slots__ = ("missed", "outgoing", "parts")

    def __init__(self, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self.parts = 0
        self.missed: set[int] = set()

    def miss(self, late: Collection[tuple[int, Pump]]) -> None:
        """These users of this node have to wait for it."""
        self.missed.update([user_id for user_id, _ in late])
        self.outgoing.diverted += tuple([pump for _, pump in late])


class Part(NamedTuple):
    """What came of one part of a send: ``late`` at this node, ``missed`` at all others."""

    send: LiveSend
    late: Collection[tuple[int, Pump]]
    missed: Collection[int]
