"""Direct: messages handed on live, unlogged, to whoever is online and is owed nothing.

Whoever can have it at once gets it. For everybody else it is stored, and goes the way of all
stored messages: who is owed something, or does not read, or is not online. That must neither
overtake nor be overtaken, so

* a login for which a live message is being stored gets nothing live until it is;
* a sender whose message is being stored sends nothing live until it is;
* what is under way to other loops or nodes may have to be stored yet. So a sender's next message
  that has to be stored waits, and what came of the live ones counts in the order of sending.

What has reached another node is that node's: it hands it over or stores it. When in doubt, both
nodes store it, under the same ``mid``, which the log takes once.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

from chat.bus import Answer, Count, Received
from chat.delivery.codec import LiveMessage, MessageBus
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.forwarding import Forwarded, Forwarding
from chat.delivery.live import Handing, Late, LiveBatch, LiveSend, Part
from chat.delivery.members import MemberLists
from chat.delivery.outgoing import Outgoing, chat_ack, tell_sender
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_CHAT, ONE_CHAT, ErrNo
from muduopy import EventLoop

log = logging.getLogger(__name__)

LARGE_GROUP = 64
"""A message that was handed to more receivers than this counts as in flight for one pass."""


class Live(NamedTuple):
    """A live message from another node, for a login here."""

    login: Login
    live: LiveMessage
    fresh: bool


class Direct:
    """Tries to hand messages on live, and takes those that other nodes hand on."""

    def __init__(
        self, bus: MessageBus, logins: LoginRegistry, commits: CommitQueue, members: MemberLists
    ) -> None:
        self._bus = bus
        self._logins = logins
        self._commits = commits
        self._members = members
        self._forwarding = Forwarding()

    # ------------------------------------------------------------------ from logins here

    def send(self, login: Login, message: ChatMessage, mid: str | None, rid: str | None) -> bool:
        """False, and nothing done, if it has to be stored for all. Sender's loop."""
        # While something of this sender is being committed, a live message would overtake it.
        if login.connection.in_flight != len(login.live_sends):
            return False
        if message.kind == ONE_CHAT:
            return self._send_to_user(login, message, mid, rid)
        return self._send_to_group(login, message, mid, rid)

    def _send_to_user(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        receiver = self._logins.find(message.target)
        if receiver is None:
            if self._bus.alone:
                return False
            self._forward(self._begin(login, message, mid, rid), frozenset((message.target,)))
        elif receiver.loop is not login.loop:
            send = self._begin(login, message, mid, rid)
            self._hand_to(receiver.loop, send, [receiver])
        elif receiver.pump.empty:
            writer = receiver.connection.writer
            if writer is None:
                receiver.connection.send_chat(message)
                self._handed_over(login, message, mid, rid)
            elif writer.takes_live:
                send = self._begin(login, message, mid, rid)
                handing = Handing(message)
                handing.queue(message.target, receiver.pump, writer)
                self._await(send, handing)
            else:
                return False
        else:
            return False
        return True

    def _send_to_group(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        if not (self._bus.alone or self._bus.healthy):
            return False  # nor do we hear who has joined
        members = self._members.of(message.target)
        if members is None or message.sender not in members:
            return False
        absent = set(members) - {message.sender}
        count = len(absent)
        by_loop: defaultdict[EventLoop, list[Login]] = defaultdict(list)
        for receiver in self._logins.find_many(list(absent)):
            absent.discard(receiver.user_id)
            by_loop[receiver.loop].append(receiver)
        batch, handing = LiveBatch(), Handing(message)
        batch.take_all(by_loop.pop(login.loop, ()), handing)
        batch.write()
        if not (handing.late or handing.waiting or by_loop or absent):
            self._handed_over(login, message, mid, rid)
            if count > LARGE_GROUP:
                login.connection.occupy(count)
            return True
        send = self._begin(login, message, mid, rid, count)
        if absent and not self._bus.alone:
            self._forward(send, frozenset(absent))
        else:
            send.missed |= absent
        for loop, here in by_loop.items():
            self._hand_to(loop, send, here)
        self._await(send, handing)
        return True

    def _handed_over(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> None:
        """To everybody, at once: acknowledge it in its turn. (Classic senders do not ask.)"""
        if login.live_sends:
            self._begin(login, message, mid, rid)
        elif login.connection.v2:
            login.connection.send_message(chat_ack(mid, 0, message.time, rid))

    def _begin(
        self,
        login: Login,
        message: ChatMessage,
        mid: str | None,
        rid: str | None,
        rows: int = 1,
    ) -> LiveSend:
        """It counts as in flight until all parts have ended. ``rows``: its receivers."""
        send = LiveSend(Outgoing(login, login.generation, message, mid, rid, rows=rows))
        login.connection.in_flight += 1
        login.connection.rows_in_flight += rows
        login.live_sends.append(send)
        return send

    def _await(self, send: LiveSend, handing: Handing) -> None:
        """The receivers in the sender's own loop are a part, too; often it has ended already."""
        send.parts += 1
        handing.finish(lambda late: self._end_parts([Part(send, late, ())]))

    def _forward(self, send: LiveSend, receivers: frozenset[int]) -> None:
        send.parts += 1
        outgoing = send.outgoing
        message = outgoing.message
        if message.kind == GROUP_CHAT:
            message.receivers = receivers
        forward = self._forwarding.begin(message, receivers, send)
        live = LiveMessage(
            self._bus.name, forward.number, outgoing.generation, outgoing.mid, message
        )
        self._bus.request(live, forward)

    def _hand_to(self, loop: EventLoop, send: LiveSend, here: list[Login]) -> None:
        send.parts += 1
        message = send.outgoing.message
        home = _loop_of(send)

        def report(late: Late) -> None:
            home.queue_in_loop(lambda: self._end_parts([Part(send, late, ())]))

        def take() -> None:
            batch, handing = LiveBatch(), Handing(message)
            batch.take_all(here, handing)
            batch.write()
            handing.finish(report)

        loop.queue_in_loop(take)

    def on_counts(self, counts: Sequence[Count]) -> None:
        """Requests of this node had so many subscribers. Any thread."""
        ended: list[Forwarded] = []
        for forward, subscribers in counts:
            ended += self._forwarding.published(forward, subscribers)
        self._end_forwarded(ended)

    def on_answers(self, answers: Sequence[Answer]) -> None:
        """Nodes have these receivers of a group's message. Any thread."""
        ended: list[Forwarded] = []
        for number, reached in answers:
            ended += self._forwarding.answered(number, reached)
        self._end_forwarded(ended)

    def end_overdue(self) -> None:
        """Wait no longer for nodes that have not answered in time. Any thread."""
        self._end_forwarded(self._forwarding.overdue())

    def _end_forwarded(self, results: Sequence[Forwarded]) -> None:
        by_loop: defaultdict[EventLoop, list[Part]] = defaultdict(list)
        for result in results:
            send = result.forward.tag
            assert isinstance(send, LiveSend)
            by_loop[_loop_of(send)].append(Part(send, (), result.missed))
        queue_in_loops(self._end_parts, by_loop)

    def _end_parts(self, parts: Collection[Part]) -> None:
        """Senders' loop."""
        logins: dict[Login, None] = {}  # in their order
        for send, late, missed in parts:
            send.parts -= 1
            send.miss(late)
            send.missed.update(missed)
            assert send.outgoing.login is not None
            logins[send.outgoing.login] = None
        for login in logins:
            self._end(login)

    def _end(self, login: Login) -> None:
        """Acknowledge or store what nothing is awaited of, in the order of sending."""
        ended = 0
        answers = []
        for send in login.live_sends:
            if send.parts:
                break
            ended += 1
            outgoing = send.outgoing
            if send.missed:
                # Who has it live has it without a number; this one gets one.
                outgoing.message = outgoing.message.copy()
                if outgoing.message.kind == GROUP_CHAT:
                    outgoing.only = frozenset(send.missed)
                    outgoing.rejoin = True
                if self._commits.add(outgoing):
                    continue
                outgoing.fail(ErrNo.TOO_MANY, "too many messages, slow down")
                outgoing.settle_diverted()
            answers.append(outgoing)
        del login.live_sends[:ended]
        if answers:
            tell_sender(login, answers)
        elif ended:
            login.connection.unblock()

    # ------------------------------------------------------------------ from other nodes

    def take(self, received: Sequence[Received[LiveMessage]]) -> None:
        """Hand over live messages to the logins here, and answer with their users. Any thread.

        A message that is not fresh may have been given up, and stored, by its sender's node. This
        node stores it, too, under the same ``mid``.
        """
        by_loop: defaultdict[EventLoop, list[Live]] = defaultdict(list)
        for live, _, fresh in received:
            here = self._find(live.message)
            if not live.number:
                if not here:  # the user has just left, and the sender's node counts on this one
                    self._store(Outgoing(None, live.generation, live.message, live.mid))
            elif live.node == self._bus.name:  # the receivers here were served by ``send``
                self.on_answers([Answer(live.number, ())])
                continue
            else:
                answer = Answer(live.number, [login.user_id for login in here])
                self._bus.answer(live.node, answer)
            for login in here:
                by_loop[login.loop].append(Live(login, live, fresh))
        queue_in_loops(self._take, by_loop)

    def _find(self, message: ChatMessage) -> list[Login]:
        """The logins here of the message's receivers."""
        if message.kind == GROUP_CHAT:
            here = self._logins.in_group(message.target)
            return [login for login in here if login.user_id in message.receivers]
        login = self._logins.find(message.target)
        return [] if login is None else [login]

    def _take(self, lives: Sequence[Live]) -> None:
        """Receivers' loop."""
        batch = LiveBatch()
        handings: dict[ChatMessage, tuple[Handing, LiveMessage]] = {}
        for login, live, fresh in lives:
            handing, _ = handings.setdefault(live.message, (Handing(live.message), live))
            if fresh:
                batch.take(login, handing)
            else:
                handing.divert(login.user_id, login.pump)
        batch.write()
        for handing, first in handings.values():
            handing.finish(partial(self._store_late, first))

    def _store_late(self, live: LiveMessage, late: Late) -> None:
        if late:
            only = frozenset([user_id for user_id, _ in late])
            outgoing = Outgoing(None, live.generation, live.message.copy(), live.mid, only=only)
            outgoing.diverted = tuple([pump for _, pump in late])
            self._store(outgoing)

    def _store(self, outgoing: Outgoing) -> None:
        if not self._commits.add(outgoing):
            log.warning("a live message is lost: too many wait for the database")
            outgoing.settle_diverted()


def _loop_of(send: LiveSend) -> EventLoop:
    assert send.outgoing.login is not None
    return send.outgoing.login.loop
