"""Router: brings committed messages to the pumps of their receivers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chat.bus import Received
from chat.connection.session import Session
from chat.delivery.codec import MessageBus
from chat.login.registry import SessionRegistry
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import ONE_CHAT
from muduopy import EventLoop

Addressed = tuple[int, Session, ChatMessage, bool]
"""The user, their session here, the message, and whether it is contiguous."""

ByLoop = defaultdict[EventLoop, list[Addressed]]


class Router:
    """Any thread. Each loop gets its share of a batch in one call."""

    def __init__(self, sessions: SessionRegistry, bus: MessageBus) -> None:
        self._sessions = sessions
        self._bus = bus

    def announce(self, messages: Sequence[ChatMessage]) -> None:
        """This node has committed messages: push them to receivers here, tell other nodes."""
        by_loop: ByLoop = defaultdict(list)
        # A user has one session, so a message to a user who is here concerns no other node.
        elsewhere = [message for message in messages if not self._address(message, True, by_loop)]
        queue_in_loops(_push, by_loop)
        if elsewhere and not self._bus.alone:
            self._bus.publish(elsewhere)

    def wake(self, received: Sequence[Received[ChatMessage]]) -> None:
        """Other nodes have committed messages.

        A contiguous one may be pushed, as no earlier message on its topic was lost. Any other is a
        hint to look into the mailbox.
        """
        by_loop: ByLoop = defaultdict(list)
        for message, contiguous, _ in received:
            self._address(message, contiguous, by_loop)
        queue_in_loops(_push, by_loop)

    def on_doubt(self) -> None:
        """Wakes may have been lost: each pump looks into its mailbox."""
        for session in self._sessions.all():
            session.loop.queue_in_loop(session.pump.mark_dirty)

    def _address(self, message: ChatMessage, contiguous: bool, by_loop: ByLoop) -> bool:
        """Add the receivers that are here; True if no receiver can be at another node."""
        if message.kind == ONE_CHAT:
            session = self._sessions.find(message.target)
            if session is None:
                return False
            by_loop[session.loop].append((message.target, session, message, contiguous))
            return True
        for user_id, session in self._sessions.in_group(message.target):
            if user_id in message.receivers:
                by_loop[session.loop].append((user_id, session, message, contiguous))
        return False


def _push(addressed: Sequence[Addressed]) -> None:
    """In the sessions' loop. Frames for one connection go out in one send."""
    out: defaultdict[Session, list[bytes]] = defaultdict(list)
    for user_id, session, message, contiguous in addressed:
        # Another user may have logged in on this connection meanwhile; 0: login under way.
        if session.user_id in (user_id, 0):
            session.pump.push(message, contiguous, out[session])
    for session, frames in out.items():
        if frames:
            session.write(frames)
