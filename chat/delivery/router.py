"""Router: brings the wakes of a bus to the pumps of this node's sessions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chat.bus import Wake
from chat.connection.session import Session
from chat.login.registry import SessionRegistry
from chat.process.loops import queue_in_loops
from chat.protocol import ONE_CHAT
from muduopy import EventLoop

Addressed = tuple[int, Session, Wake]


class Router:
    """Any thread: looks up who is meant, and hands each loop its share in one call."""

    def __init__(self, sessions: SessionRegistry) -> None:
        self._sessions = sessions

    def on_wakes(self, wakes: Sequence[Wake]) -> None:
        by_loop: defaultdict[EventLoop, list[Addressed]] = defaultdict(list)
        for wake in wakes:
            message = wake.message
            if message.kind == ONE_CHAT:
                session = self._sessions.find(message.target)
                if session is not None:
                    by_loop[session.loop].append((message.target, session, wake))
                continue
            for user_id, session in self._sessions.in_group(message.target):
                if user_id in message.receivers:
                    by_loop[session.loop].append((user_id, session, wake))
        queue_in_loops(_push, by_loop)

    def on_doubt(self) -> None:
        """Wakes may have been lost: everybody looks into the mailbox."""
        for session in self._sessions.all():
            session.loop.queue_in_loop(session.pump.mark_dirty)


def _push(addressed: Sequence[Addressed]) -> None:
    """In the sessions' loop. Frames for one connection go out in one send."""
    out: defaultdict[Session, list[bytes]] = defaultdict(list)
    for user_id, session, wake in addressed:
        # Another user may have logged in on this connection meanwhile; 0: login under way.
        if session.user_id in (user_id, 0):
            session.pump.push(wake.message, wake.contiguous, out[session])
    for session, frames in out.items():
        if frames:
            session.write(frames)
