"""Router: brings committed messages to the pumps of their receivers.

A wake may be lost, late or repeated, because the pump also finds the message in the mailbox.
Example: a message to B is being announced; meanwhile B logs out at this node, and in at another
one. The wake reaches B's old login, or none. B's new login has read the mailbox, or a poll will
find the message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from chat.bus import Received
from chat.delivery.codec import MessageBus
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import ONE_CHAT
from muduopy import EventLoop

Addressed = tuple[Login, ChatMessage, bool]
"""The receiver's login here, the message, and whether it is contiguous."""

ByLoop = defaultdict[EventLoop, list[Addressed]]


class Router:
    """Any thread. Each loop gets its share of a batch in one call."""

    def __init__(self, logins: LoginRegistry, bus: MessageBus) -> None:
        self._logins = logins
        self._bus = bus

    def announce(self, messages: Sequence[ChatMessage]) -> None:
        """This node has committed messages: push them to receivers here, tell other nodes."""
        by_loop: ByLoop = defaultdict(list)
        # A user has one login at a time, so a message to a user who is here concerns no other node.
        elsewhere = [message for message in messages if not self._address(message, True, by_loop)]
        queue_in_loops(_push, by_loop)
        if elsewhere and not self._bus.alone:
            self._bus.publish(elsewhere)

    def wake(self, received: Sequence[Received[ChatMessage]]) -> None:
        """Other nodes have committed messages.

        A contiguous one may be pushed, as no earlier message on its topic was lost. For any other
        the pump reads the mailbox.
        """
        by_loop: ByLoop = defaultdict(list)
        for message, contiguous, _ in received:
            self._address(message, contiguous, by_loop)
        queue_in_loops(_push, by_loop)

    def on_doubt(self) -> None:
        """Wakes may have been lost: each pump reads its mailbox."""
        for login in self._logins.all():
            login.loop.queue_in_loop(login.pump.mark_dirty)

    def _address(self, message: ChatMessage, contiguous: bool, by_loop: ByLoop) -> bool:
        """Add the receivers that are here; True if no receiver can be at another node."""
        if message.kind == ONE_CHAT:
            login = self._logins.find(message.target)
            if login is None:
                return False
            by_loop[login.loop].append((login, message, contiguous))
            return True
        for login in self._logins.in_group(message.target):
            if login.user_id in message.receivers:
                by_loop[login.loop].append((login, message, contiguous))
        return False


def _push(addressed: Sequence[Addressed]) -> None:
    """In the logins' loop. Frames for one connection go out in one send."""
    out: defaultdict[Login, list[bytes]] = defaultdict(list)
    for login, message, contiguous in addressed:
        login.pump.push(message, contiguous, out[login])
    count = 0
    for login, frames in out.items():
        if frames:
            count += len(frames)
            login.connection.send_mail(frames)
    addressed[0][0].connection.counters.woken += count
