"""The parts of live delivery: a batch of frames for one loop's sessions, and a send's fate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from chat.delivery.message import ChatMessage
from chat.delivery.outgoing import Outgoing
from chat.delivery.pump import Pump
from chat.session import Session


class LiveBatch:
    """Live messages for sessions of one loop; each session's go out in one write. Its thread."""

    def __init__(self) -> None:
        self._out: defaultdict[Session, list[bytes]] = defaultdict(list)

    def take(self, user_id: int, session: Session, message: ChatMessage) -> bool:
        """False if it must not have it now: it would overtake what is owed, or not arrive.

        Then it has to be stored, and until its pump hears of that, nothing live goes there.
        """
        # Another user may have logged in on that connection by now.
        if session.user_id == user_id and session.pump.empty:
            self._out[session].append(message.frame(session.v2))
            return True
        return self.leave(session)

    @staticmethod
    def leave(session: Session) -> bool:
        """It is stored for this session in any case. Returns False."""
        session.pump.stores_pending += 1
        return False

    def take_all(
        self, message: ChatMessage, receivers: Iterable[tuple[int, Session]]
    ) -> list[tuple[int, Pump]]:
        """Hand it to all of them; returns those for whom it has to be stored."""
        return [
            (user_id, session.pump)
            for user_id, session in receivers
            if not self.take(user_id, session, message)
        ]

    def write(self) -> None:
        """Send what can be sent."""
        for session, frames in self._out.items():
            end = session.decoder.terminator
            session.connection.send(end.join(frames) + end)


class LiveSend:
    """A message on its way to sessions that are not in its sender's loop. The sender's loop.

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
