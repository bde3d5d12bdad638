"""Router: brings committed messages to the pumps of their receivers.

A wake may be lost, late or repeated, because the pump also finds the message in the mailbox.
Example: a message to B is being announced; meanwhile B logs out at this node, and in at another
one. The wake reaches B's old login, or none. B's new login has read the mailbox, or a poll will
find the message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from chat.bus import Received
from chat.delivery.codec import Copy, EventWake, MessageBus
from chat.group_event import GroupEvent
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.mailbox_number import owner
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_CHAT
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
        # A device has one login at a time, so a message to a device that is here concerns no other
        # node.
        elsewhere: list[ChatMessage | Copy] = []
        alone = self._bus.alone
        for message in messages:
            left = self._address(message, message.receivers, True, by_loop)
            if left and not alone:
                elsewhere += _publications(message, left)
        queue_in_loops(_push, by_loop)
        if elsewhere:
            self._bus.publish(elsewhere)

    def announce_event(self, event: GroupEvent, former: Collection[int]) -> None:
        """This node has committed an event of a group. Any thread.

        ``former``: receivers that are no members any more. Their nodes may hear the topic of the
        group no longer, so each of them is told on its own topic.
        """
        by_loop: ByLoop = defaultdict(list)
        elsewhere: set[int] = set()
        for mailbox in event.receivers:
            login = self._logins.find(mailbox)
            if login is None:
                elsewhere.add(owner(mailbox))
            else:
                by_loop[login.loop].append((login, event, True))
        queue_in_loops(_push, by_loop)
        if elsewhere and not self._bus.alone:
            wakes = [EventWake(event, user_id) for user_id in elsewhere.intersection(former)]
            if elsewhere.difference(former):
                wakes.append(EventWake(event, 0))
            self._bus.publish(wakes)

    def wake(self, received: Sequence[Received[ChatMessage]]) -> None:
        """Other nodes have committed messages.

        A contiguous one may be pushed, as no earlier message on its topic was lost. For any other
        the pump reads the mailbox.
        """
        by_loop: ByLoop = defaultdict(list)
        for message, contiguous, _ in received:
            self._address(message, _of_user(message, message.target), contiguous, by_loop)
        queue_in_loops(_push, by_loop)

    def wake_copies(self, received: Sequence[Received[Copy]]) -> None:
        """The same for the other devices of the senders."""
        by_loop: ByLoop = defaultdict(list)
        for (message,), contiguous, _ in received:
            self._address(message, _of_user(message, message.sender), contiguous, by_loop)
        queue_in_loops(_push, by_loop)

    def wake_events(self, received: Sequence[Received[EventWake]]) -> None:
        """The same for events of groups.

        One on the topic of a user is not pushed: an earlier message on the topic of the group may
        be on its way.
        """
        by_loop: ByLoop = defaultdict(list)
        for (event, user_id), contiguous, _ in received:
            for login in self._logins.find_many(event.receivers):
                if user_id in (0, login.user_id):
                    by_loop[login.loop].append((login, event, contiguous and not user_id))
        queue_in_loops(_push, by_loop)

    def on_doubt(self) -> None:
        """Wakes may have been lost: each pump reads its mailbox."""
        for login in self._logins.all():
            login.loop.queue_in_loop(login.pump.mark_dirty)

    def _address(
        self,
        message: ChatMessage,
        receivers: Collection[int],
        contiguous: bool,
        by_loop: ByLoop,
    ) -> Collection[int]:
        """Add the receivers that are here; returns those that may be at other nodes."""
        if message.kind == GROUP_CHAT:
            for login in self._logins.in_group(message.target):
                if login.mailbox in receivers:
                    by_loop[login.loop].append((login, message, contiguous))
            return receivers
        left: list[int] = []
        for mailbox in receivers:
            found = self._logins.find(mailbox)
            if found is None:
                left.append(mailbox)
            else:
                by_loop[found.loop].append((found, message, contiguous))
        return left


def _publications(message: ChatMessage, left: Collection[int]) -> Iterator[ChatMessage | Copy]:
    """The message for the topic of its target, and for the topic of its sender."""
    if message.kind == GROUP_CHAT:
        yield message
        return
    users = {owner(mailbox) for mailbox in left}
    if message.target in users:
        yield message
    if users - {message.target}:
        yield Copy(message)


def _of_user(message: ChatMessage, user_id: int) -> Collection[int]:
    """The receivers that belong to this user; all receivers of a message to a group.

    Each publication wakes its own receivers. Example: this node has B, and a second device of A,
    who writes to B. It hears the message twice, and each time for another of the two.
    """
    receivers = message.receivers
    if message.kind == GROUP_CHAT or len(receivers) == 1:
        return receivers
    return [mailbox for mailbox in receivers if owner(mailbox) == user_id]


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
