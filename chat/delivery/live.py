"""Handing live messages (``direct``) to the sessions of one loop, and storing for who is not ready.

Who is owed something, or does not read, must not get a live message: it would overtake. It is
*diverted* into the mailbox, and until it is there nothing live is handed to that session either.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

from chat.bus import Live
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.message import ChatMessage
from chat.delivery.outgoing import Outgoing
from chat.session import Session

log = logging.getLogger(__name__)


class LiveBatch:
    """Live messages for sessions of one loop; each session's go out in one write. Its thread.

    Attributes:
        late: what could not be handed over, and has to be diverted.
    """

    def __init__(self) -> None:
        self.late: list[Live] = []
        self._out: defaultdict[Session, list[bytes]] = defaultdict(list)
        self._blocked: set[Session] = set()

    def take(self, lives: Iterable[Live]) -> None:
        """Sort out who can have it now."""
        for live in lives:
            session = live.session
            # Another user may have logged in on that connection by now.
            if (
                session.user_id == live.user_id
                and session.pump.empty
                and session not in self._blocked
            ):
                self._out[session].append(live.message.frame(session.v2))
            else:
                self._blocked.add(session)
                self.late.append(live)

    def write(self) -> None:
        """Send what can be sent."""
        for session, frames in self._out.items():
            end = session.decoder.terminator
            session.connection.send(end.join(frames) + end)
        self._out.clear()


class Diverter:
    """Puts live messages into the mailboxes of those who could not take them."""

    def __init__(self, commits: CommitQueue) -> None:
        self._commits = commits

    def divert(self, late: Sequence[Live]) -> None:
        """Store each message for all its late receivers. The receivers' loop."""
        by_message: dict[ChatMessage, list[Live]] = {}
        for live in late:
            by_message.setdefault(live.message, []).append(live)
        for message, lives in by_message.items():
            receivers = frozenset(live.user_id for live in lives)
            outgoing = Outgoing(None, lives[0].generation, message.copy(), only=receivers)
            outgoing.diverted = tuple(live.session.pump for live in lives)
            if self._commits.add(outgoing):
                for pump in outgoing.diverted:
                    pump.stores_pending += 1
            else:
                log.warning("a live message is lost: too many wait for the database")
