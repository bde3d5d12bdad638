"""Delivery: how a message gets from one user to others, ``stored`` or ``direct``.

``stored``: commit, then ack the sender, then wake the receivers. Nothing acked is ever lost.

``direct``: a receiver who is online and is owed nothing gets the message at once, unlogged, at
most once; everybody else's goes the ``stored`` way. So there is one way of storing, and what
was stored in either mode is handed over by the same pumps.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence

from chat.bus import Bus, Forward, Forwarded, Live, LiveHandler
from chat.db import Database
from chat.delivery.commit_queue import CommitQueue, Members, settle
from chat.delivery.live import Diverter, LiveBatch
from chat.delivery.mailbox import Mailbox
from chat.delivery.members import MemberLists
from chat.delivery.message import ChatMessage
from chat.delivery.outgoing import Outgoing, chat_ack
from chat.delivery.pump import Pump
from chat.delivery.router import Router
from chat.protocol import GROUP_CHAT, ONE_CHAT, ErrNo, ProtocolError
from chat.session import Session
from chat.sessions import SessionRegistry
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

STORED = "stored"
DIRECT = "direct"

Ended = tuple[Session, Outgoing, frozenset[int]]
"""A message that went to other nodes, its sender, and who got it from none of them."""


class Delivery(LiveHandler):
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
        self._commits = CommitQueue(database, bus, self._learn_members)
        self._diverter = Diverter(self._commits)
        self._members = MemberLists(database, workers)
        self._router = Router(sessions)
        self._bus = bus
        bus.live = self
        bus.start(self._router.on_wakes, self._router.on_doubt)

    def new_pump(self, session: Session) -> Pump:
        """A pump for a session's next login. Loop thread."""
        return Pump(session, self._mailbox)

    def send(
        self, session: Session, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        """Send; the sender is answered now or when it is committed. Sender's loop.

        False, and nothing done: it has to wait for what this sender has in flight. Raises
        ProtocolError(TOO_MANY) when too many sends wait for the database.
        """
        if self._direct:
            # While something of this sender is being committed, a live message would overtake it.
            if session.in_flight == session.forwarding:
                if message.kind == ONE_CHAT:
                    live = self._send_to_user(session, message, mid, rid)
                else:
                    live = self._send_to_group(session, message, mid, rid)
                if live:
                    return True
            # What is forwarded may yet have to be stored: before this one, then.
            if session.forwarding:
                return False
        self._store(Outgoing(session, session.generation, message, mid, rid))
        return True

    def forget_members(self, group_id: int) -> None:
        """The group has changed. Any thread, after the commit."""
        self._members.forget(group_id)

    def _learn_members(self, members: Members) -> None:
        """Writer thread."""
        if self._direct:
            self._members.learn(members)

    def _store(self, outgoing: Outgoing) -> None:
        if not self._commits.add(outgoing):
            raise ProtocolError(ErrNo.TOO_MANY, "too many messages, slow down", retry_after=1)
        assert outgoing.session is not None
        outgoing.session.in_flight += 1

    # ------------------------------------------------------------------ direct

    def _send_to_user(
        self, session: Session, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        """False if it has to be stored."""
        receiver = self._sessions.find(message.target)
        if receiver is None:
            if self._bus.alone:
                return False
            self._forward(session, message, mid, rid, frozenset((message.target,)))
        elif receiver.loop is not session.loop:
            generation = session.generation
            receiver.loop.queue_in_loop(
                lambda: self._take([Live(message.target, receiver, message, generation)])
            )
            _acknowledge(session, message, mid, rid)
        # Another user may have logged in on that connection by now.
        elif receiver.user_id == message.target and receiver.pump.empty:
            receiver.connection.send(message.frame(receiver.v2) + receiver.decoder.terminator)
            _acknowledge(session, message, mid, rid)
        else:
            return False
        return True

    def _send_to_group(
        self, session: Session, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        """Hand it to every member who can take it. False if all of it has to be stored."""
        members = self._members.of(message.target)
        if members is None or message.sender not in members:
            return False
        absent = set(members) - {message.sender}
        by_loop: defaultdict[EventLoop, list[Live]] = defaultdict(list)
        for user_id, receiver in self._sessions.find_many(list(absent)):
            absent.discard(user_id)
            by_loop[receiver.loop].append(Live(user_id, receiver, message, session.generation))
        batch = LiveBatch()
        batch.take(by_loop.pop(session.loop, ()))
        batch.write()
        self._queue(by_loop)
        late = {live.user_id for live in batch.late}
        if absent and not self._bus.alone:
            # Now: who is here must not get the sender's next message before this one.
            self._diverter.divert(batch.late)
            # The others have the live one, without a number; this one may get one.
            self._forward(session, message.copy(), mid, rid, frozenset(absent))
        elif late or absent:
            self._store(
                Outgoing(
                    session, session.generation, message.copy(), mid, rid, frozenset(late | absent)
                )
            )
        else:
            _acknowledge(session, message, mid, rid)
        return True

    def _queue(self, by_loop: dict[EventLoop, list[Live]]) -> None:
        for loop, lives in by_loop.items():
            loop.queue_in_loop(lambda lives=lives: self._take(lives))  # type: ignore[misc]

    def _take(self, lives: Sequence[Live]) -> None:
        """Receivers' loop."""
        batch = LiveBatch()
        batch.take(lives)
        batch.write()
        self._diverter.divert(batch.late)

    # ------------------------------------------------------------------ direct, to other nodes

    def _forward(
        self,
        session: Session,
        message: ChatMessage,
        mid: str | None,
        rid: str | None,
        receivers: frozenset[int],
    ) -> None:
        """Sender's loop. Its fate comes to ``forwarded``; until then it counts as in flight."""
        session.in_flight += 1
        session.forwarding += 1
        outgoing = Outgoing(session, session.generation, message, mid, rid)
        self._bus.forward(Forward(message, receivers, session.generation, outgoing))

    def forwarded(self, results: Sequence[Forwarded]) -> None:
        by_loop: defaultdict[EventLoop, list[Ended]] = defaultdict(list)
        for result in results:
            outgoing = result.forward.tag
            assert isinstance(outgoing, Outgoing) and outgoing.session is not None
            by_loop[outgoing.session.loop].append((outgoing.session, outgoing, result.missed))
        for loop, ended in by_loop.items():
            loop.queue_in_loop(lambda ended=ended: self._end_forwarding(ended))  # type: ignore[misc]

    def _end_forwarding(self, ended: Sequence[Ended]) -> None:
        """Senders' loop: acknowledge what was handed on, store the rest."""
        answers = []
        for session, outgoing, missed in ended:
            session.forwarding -= 1
            if missed:
                outgoing.only = missed if outgoing.message.kind == GROUP_CHAT else None
                if self._commits.add(outgoing):
                    continue
                outgoing.fail(ErrNo.TOO_MANY, "too many messages, slow down")
            answers.append(outgoing)
        settle(answers)

    def find(self, message: ChatMessage) -> list[tuple[int, Session]]:
        if message.kind == GROUP_CHAT:
            here = self._sessions.in_group(message.target)
            return [(user_id, s) for user_id, s in here if user_id in message.receivers]
        session = self._sessions.find(message.target)
        return [] if session is None else [(message.target, session)]

    def hand_over(self, lives: Sequence[Live]) -> None:
        by_loop: defaultdict[EventLoop, list[Live]] = defaultdict(list)
        for live in lives:
            by_loop[live.session.loop].append(live)
        self._queue(by_loop)

    def store(self, message: ChatMessage, generation: int) -> None:
        if not self._commits.add(Outgoing(None, generation, message)):
            log.warning("a message to user %d is lost: too many wait", message.target)


def _acknowledge(session: Session, message: ChatMessage, mid: str | None, rid: str | None) -> None:
    """It was handed on. To v2 senders; others do not ask."""
    if session.v2:
        session.send(chat_ack(mid, 0, message.time, rid))
