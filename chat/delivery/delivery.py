"""Delivery: how a message gets from one user to others, ``stored`` or ``direct``.

``stored``: commit, then ack the sender, then wake the receivers. Nothing acked is ever lost.

``direct``: a receiver who is online and is owed nothing gets the message at once, unlogged, at
most once; everybody else's goes the ``stored`` way. So there is one way of storing, and what
was stored in either mode is handed over by the same pumps.
"""

from __future__ import annotations

import threading
import time

from chat.bus import Bus
from chat.db import Database
from chat.delivery.commit_queue import CommitQueue, Members
from chat.delivery.mailbox import Mailbox
from chat.delivery.message import ChatMessage
from chat.delivery.outgoing import Outgoing, chat_ack
from chat.delivery.pump import Pump
from chat.delivery.router import Router
from chat.protocol import ONE_CHAT, ErrNo, ProtocolError
from chat.session import Session
from chat.sessions import SessionRegistry
from muduopy import ThreadPool

STORED = "stored"
DIRECT = "direct"

MEMBERS_SECONDS = 5.0
"""How long ``direct`` believes a list of members that a commit has read."""


class Delivery:
    """Takes messages from sessions and sees that they arrive."""

    def __init__(
        self,
        database: Database,
        bus: Bus,
        sessions: SessionRegistry,
        workers: ThreadPool,
        mode: str = STORED,
    ) -> None:
        self._sessions = sessions
        self._direct = mode == DIRECT
        self._mailbox = Mailbox(database, workers)
        self._commits = CommitQueue(database, bus, self._remember_members)
        self._members_lock = threading.Lock()  # guards _members
        self._members: dict[int, tuple[float, frozenset[int]]] = {}
        self._router = Router(sessions)
        bus.start(self._router.on_wakes, self._router.on_doubt)

    def new_pump(self, session: Session) -> Pump:
        """A pump for a session's next login. Loop thread."""
        return Pump(session, self._mailbox)

    def send(
        self, session: Session, message: ChatMessage, mid: str | None, rid: str | None
    ) -> None:
        """Send; the sender is answered now or when it is committed. Sender's loop.

        Raises ProtocolError(TOO_MANY) when too many sends wait for the database.
        """
        missed: frozenset[int] | None = None
        # While something of this sender is being committed, a live message would overtake it.
        if self._direct and not session.in_flight:
            if message.kind == ONE_CHAT:
                receiver = self._sessions.find(message.target)
                live = receiver is not None and self._hand_over(
                    session, receiver, message.target, message
                )
            else:
                missed = self._hand_to_group(session, message)
                live = missed is not None and not missed
            if live:
                if session.v2:
                    session.send(chat_ack(mid, 0, message.time, rid))
                return
        if not self._commits.add(Outgoing(session, message, mid, rid, missed)):
            raise ProtocolError(ErrNo.TOO_MANY, "too many messages, slow down", retry_after=1)
        session.in_flight += 1

    def forget_members(self, group_id: int) -> None:
        """The group has changed. Any thread, after the commit."""
        with self._members_lock:
            self._members.pop(group_id, None)

    # ------------------------------------------------------------------ direct

    def _hand_to_group(self, session: Session, message: ChatMessage) -> frozenset[int] | None:
        """Hand the message to every member who can take it; returns who could not.

        None if it is not known who the members are.
        """
        members = self._known_members(message.target)
        if members is None or message.sender not in members:
            return None
        missed = set(members) - {message.sender}
        for user_id, receiver in self._sessions.find_many(list(missed)):
            if self._hand_over(session, receiver, user_id, message):
                missed.discard(user_id)
        return frozenset(missed)

    def _hand_over(
        self, session: Session, receiver: Session, user_id: int, message: ChatMessage
    ) -> bool:
        if receiver.loop is session.loop:
            # Another user may have logged in on that connection by now.
            if receiver.user_id != user_id or not receiver.pump.empty:
                return False
            receiver.connection.send(message.frame(receiver.v2) + receiver.decoder.terminator)
            return True
        generation = session.generation
        receiver.loop.queue_in_loop(
            lambda: self._hand_over_there(session, generation, receiver, user_id, message)
        )
        return True

    def _hand_over_there(
        self,
        session: Session,
        generation: int,
        receiver: Session,
        user_id: int,
        message: ChatMessage,
    ) -> None:
        """In the receiver's loop: who cannot take it live gets it by the mailbox."""
        pump = receiver.pump
        if receiver.user_id == user_id and pump.empty:
            receiver.connection.send(message.frame(receiver.v2) + receiver.decoder.terminator)
            return
        diverted = Outgoing(session, message.copy(), only=frozenset((user_id,)))
        diverted.generation = generation
        diverted.diverted = pump
        if self._commits.add(diverted):
            pump.stores_pending += 1

    def _known_members(self, group_id: int) -> frozenset[int] | None:
        with self._members_lock:
            expires, members = self._members.get(group_id, (0.0, None))
        return members if expires > time.monotonic() else None

    def _remember_members(self, members: Members) -> None:
        if not self._direct:
            return
        expires = time.monotonic() + MEMBERS_SECONDS
        with self._members_lock:
            for group_id, users in members.items():
                self._members[group_id] = (expires, users)
