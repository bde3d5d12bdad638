"""Delivery: how a message gets from one user to others, ``stored`` or ``direct``.

``stored``: commit, then ack the sender, then wake the receivers. Nothing acked is ever lost.

``direct``: a receiver who is online and is owed nothing gets the message at once, unlogged, at
most once; everybody else's goes the ``stored`` way. So there is one way of storing, and what
was stored in either mode is handed over by the same pumps.
"""

from __future__ import annotations

from chat.delivery.arrivals import Arrivals, OnNotices
from chat.delivery.codec import MessageBus
from chat.delivery.commit_queue import CommitQueue, Members
from chat.delivery.direct import Direct
from chat.delivery.members import MemberLists
from chat.delivery.outgoing import Outgoing
from chat.delivery.router import Router
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.message import ChatMessage
from chat.notice import MEMBERS, Notice
from chat.protocol import GROUP_CHAT, ErrNo, ProtocolError
from chat.storage import Database
from muduopy import EventLoop, ThreadPool

STORED = "stored"
DIRECT = "direct"

OVERDUE_SECONDS = 0.25
"""Between two looks for live messages that nodes have not answered for in time."""


class Delivery:
    """Takes messages from logins and sees that they arrive."""

    def __init__(
        self,
        database: Database,
        bus: MessageBus,
        logins: LoginRegistry,
        workers: ThreadPool,
        mode: str,
        on_notices: OnNotices,
    ) -> None:
        """``on_notices`` gets notices of other nodes about users, in the bus's thread."""
        self._is_direct = mode == DIRECT
        self._bus = bus
        self._members = MemberLists(database, workers)
        router = Router(logins, bus)
        self._commits = CommitQueue(database, router.announce, self._learn_members)
        self._direct = Direct(bus, logins, self._commits, self._members)
        self._arrivals = Arrivals(router, self._direct, self._members, on_notices)

    def start(self, loop: EventLoop) -> None:
        """Start the bus. ``loop``: for a timer. Loop thread."""
        self._bus.start(self._arrivals)
        if self._is_direct and not self._bus.alone:
            loop.run_every(OVERDUE_SECONDS, self._direct.end_overdue)

    def send(self, login: Login, message: ChatMessage, mid: str | None, rid: str | None) -> bool:
        """Send; the sender is answered now or when it is committed. Sender's loop.

        False, and nothing done: it has to wait for what this sender has in flight. Raises
        ProtocolError(TOO_MANY) when too many sends wait for the database.
        """
        if self._is_direct:
            if self._direct.send(login, message, mid, rid):
                return True
            # What is under way may yet have to be stored: before this one, then.
            if login.live_sends:
                return False
        outgoing = Outgoing(login, login.generation, message, mid, rid)
        if message.kind == GROUP_CHAT:
            outgoing.rows = self._commits.rows_for(message.target)
            outgoing.rejoin = self._is_direct
        if not self._commits.add(outgoing):
            raise ProtocolError(ErrNo.TOO_MANY, "too many messages, slow down", retry_after=1)
        login.connection.in_flight += 1
        login.connection.rows_in_flight += outgoing.rows
        return True

    def members_changed(self, group_id: int) -> None:
        """Somebody is in a group now, or out of it; committed. Any thread."""
        self._members.forget(group_id)
        self._bus.tell([Notice(group_id, MEMBERS, ())])

    def _learn_members(self, members: Members, read_at: float) -> None:
        """Writer thread."""
        if self._is_direct:
            self._members.learn(members, read_at)
