"""DirectMode: messages go live to receivers that can take them, and are stored for the others.

A send has up to three kinds of parts: the receivers in the sender's loop, those in each other loop,
and those at other nodes. Receivers that a part has not reached are missed. When all parts have
ended, the send is acknowledged, or it is stored for its missed receivers.

Three rules keep the order of a sender's messages at each receiver:

* A receiver that is late takes nothing live until the message is stored (live_handover.py).
* While a message of a sender is being committed, that sender's messages do not go live. Example: A
  sends 1 to B, which is being stored, because B is offline. B logs in, and A sends 2. Live, 2 would
  overtake 1.
* Sends end in their order, and a message that must be stored waits for the live ones before it.
  Example: A sends 1 to B at node 2. Meanwhile B moves to this node, and reads slowly. A sends 2,
  which must be stored. But 1 may have to be stored, too, and before 2: node 2 does not have B any
  more. So ``send`` returns WAITS for 2 until 1 has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from chat.bus import Answer, Count
from chat.delivery.codec import LiveMessage, MessageBus
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.forwarding import Forwarded, Forwarding
from chat.delivery.live_handover import Handover, Late, LiveBatch
from chat.delivery.members import MemberLists
from chat.delivery.mode import TAKEN, WAITS, DeliveryMode, SendResult
from chat.delivery.stored import StoredMode
from chat.delivery.submission import Submission, answer_sender, chat_ack
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.mailbox.pump import Pump
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_CHAT, ONE_CHAT, ErrNo
from muduopy import EventLoop

LARGE_GROUP = 64
"""A message that was handed to more receivers than this counts as in flight for one pass of the
loop. Otherwise one sender could occupy the loop: each message costs a write for each receiver."""


class LiveSend:
    """A send that has not ended. The sender's loop.

    Attributes:
        login: the sender's.
        submission: for the acknowledgement, and for storing the message.
        parts: the number of parts that have not ended.
        missed: the receivers that need the message stored.
    """

    __slots__ = ("login", "missed", "parts", "submission")

    def __init__(self, login: Login, submission: Submission) -> None:
        self.login = login
        self.submission = submission
        self.parts = 0
        self.missed: set[int] = set()

    def end_part(self, late: Collection[tuple[int, Pump]], missed: Collection[int]) -> None:
        """A part has ended. ``late``: its late receivers at this node; ``missed``: elsewhere."""
        self.parts -= 1
        self.missed.update([user_id for user_id, _ in late], missed)
        self.submission.diverted += tuple([pump for _, pump in late])


class _Part(NamedTuple):
    """The end of a part; see ``LiveSend.end_part``."""

    send: LiveSend
    late: Collection[tuple[int, Pump]]
    missed: Collection[int]


class DirectMode(DeliveryMode):
    """See the module's text. Private methods: the sender's loop, if nothing else is said."""

    def __init__(
        self, bus: MessageBus, logins: LoginRegistry, commits: CommitQueue, members: MemberLists
    ) -> None:
        self._bus = bus
        self._logins = logins
        self._commits = commits
        self._members = members
        self._stored = StoredMode(commits, joins=True)
        self._forwarding = Forwarding()

    def send(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> SendResult:
        # ``in_flight`` counts the live sends and the messages that are being committed. If they
        # are equal, no message of this sender is being committed (the second rule).
        if login.connection.flow.in_flight == len(login.live_sends):
            if message.kind == ONE_CHAT:
                live = self._send_to_user(login, message, mid, rid)
            else:
                live = self._send_to_group(login, message, mid, rid)
            if live:
                return TAKEN
        if login.live_sends:  # the third rule
            return WAITS
        return self._stored.send(login, message, mid, rid)

    # ------------------------------------------------------------------ parts

    def _send_to_user(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        """False, and nothing is done, if the message must be stored."""
        if message.target in login.blocked_by:
            return False  # the transaction refuses it, unless the block has ended
        receiver = self._logins.find(message.target)
        if receiver is None:
            if self._bus.alone:
                return False
            self._request(self._begin(login, message, mid, rid), frozenset((message.target,)))
        elif receiver.loop is not login.loop:
            # Whether its pump is empty is known in its own loop alone.
            send = self._begin(login, message, mid, rid)
            self._hand_to(receiver.loop, send, [receiver])
        elif receiver.pump.empty:
            writer = receiver.connection.classic_output.writer
            if writer is None:
                receiver.connection.send_chat(message)
                receiver.connection.counters.live += 1
                self._acknowledge(login, message, mid, rid)
            elif writer.takes_live:
                send = self._begin(login, message, mid, rid)
                handover = Handover(message)
                handover.queue(message.target, receiver.pump, writer)
                self._end_with(send, handover)
            else:
                return False
        else:
            return False
        return True

    def _send_to_group(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> bool:
        """False, and nothing is done, if the members are not known."""
        if not (self._bus.alone or self._bus.healthy):
            return False  # a notice about a new member may be lost
        members = self._members.of(message.target)
        if members is None or message.sender not in members:
            # The list may be older than the sender's joining: the transaction reads the members.
            return False
        absent = set(members) - {message.sender}
        count = len(absent)
        by_loop: defaultdict[EventLoop, list[Login]] = defaultdict(list)
        # A receiver may log in or out meanwhile. If B is found and then logs out, B's pump takes
        # no live message: B is late. If B is not found and then logs in here, B is missed. In both
        # cases the message is stored for B.
        for receiver in self._logins.find_many(list(absent)):
            absent.discard(receiver.user_id)
            by_loop[receiver.loop].append(receiver)
        batch, handover = LiveBatch(), Handover(message)
        batch.take_all(by_loop.pop(login.loop, ()), handover)
        batch.write()
        if not (handover.late or handover.waiting or by_loop or absent):
            self._acknowledge(login, message, mid, rid)
            if count > LARGE_GROUP:
                login.connection.flow.occupy(count)
            return True
        send = self._begin(login, message, mid, rid, count)
        if absent and not self._bus.alone:
            self._request(send, frozenset(absent))
        else:
            send.missed |= absent
        for loop, here in by_loop.items():
            self._hand_to(loop, send, here)
        self._end_with(send, handover)
        return True

    def _begin(
        self,
        login: Login,
        message: ChatMessage,
        mid: str | None,
        rid: str | None,
        rows: int = 1,
    ) -> LiveSend:
        """A send with parts; it is in flight until they have ended. ``rows``: its receivers."""
        submission = Submission(login, login.generation, message, mid, rid, rows=rows)
        send = LiveSend(login, submission)
        flow = login.connection.flow
        flow.in_flight += 1
        flow.rows_in_flight += rows
        login.live_sends.append(send)
        return send

    def _end_with(self, send: LiveSend, handover: Handover) -> None:
        """The part in the sender's own loop, which has often ended already."""
        send.parts += 1
        handover.finish(lambda late: self._end_parts([_Part(send, late, ())]))

    def _hand_to(self, loop: EventLoop, send: LiveSend, receivers: list[Login]) -> None:
        """The part in another loop.

        A loop runs queued calls in their order, so a later message of this sender to the same
        receivers comes later.
        """
        send.parts += 1
        message = send.submission.message
        home = send.login.loop

        def report(late: Late) -> None:
            home.queue_in_loop(lambda: self._end_parts([_Part(send, late, ())]))

        def take() -> None:
            batch, handover = LiveBatch(), Handover(message)
            batch.take_all(receivers, handover)
            batch.write()
            handover.finish(report)

        loop.queue_in_loop(take)

    def _request(self, send: LiveSend, receivers: frozenset[int]) -> None:
        """The part at other nodes."""
        send.parts += 1
        submission = send.submission
        message = submission.message
        if message.kind == GROUP_CHAT:
            message.receivers = receivers
        forward = self._forwarding.begin(message, receivers, send)
        live = LiveMessage(
            self._bus.name, forward.number, submission.generation, submission.mid, message
        )
        self._bus.request(live, forward)

    # ------------------------------------------------------------------ ends
    #
    # The results of other nodes come in the bus's thread, and go to the senders' loops from there:
    # LiveSend needs no lock.

    def on_counts(self, counts: Sequence[Count]) -> None:
        ended: list[Forwarded] = []
        for forward, subscribers in counts:
            ended += self._forwarding.published(forward, subscribers)
        self._end_forwarded(ended)

    def on_answers(self, answers: Sequence[Answer]) -> None:
        ended: list[Forwarded] = []
        for number, reached in answers:
            ended += self._forwarding.answered(number, reached)
        self._end_forwarded(ended)

    def end_overdue(self) -> None:
        self._end_forwarded(self._forwarding.overdue())

    def _end_forwarded(self, results: Sequence[Forwarded]) -> None:
        """Any thread."""
        by_loop: defaultdict[EventLoop, list[_Part]] = defaultdict(list)
        for result in results:
            send = result.forward.tag
            assert isinstance(send, LiveSend)
            by_loop[send.login.loop].append(_Part(send, (), result.missed))
        queue_in_loops(self._end_parts, by_loop)

    def _end_parts(self, parts: Collection[_Part]) -> None:
        logins: dict[Login, None] = {}  # a set in the order of the parts
        for send, late, missed in parts:
            send.end_part(late, missed)
            logins[send.login] = None
        for login in logins:
            self._end_sends(login)

    def _end_sends(self, login: Login) -> None:
        """Acknowledge or store the sends without open parts, in the order of sending.

        It stops at the first send with an open part. Example: A sends 1 to B at node 2, then 2 to C
        here. 2 has ended first, but 1 may have to be stored; A's acknowledgements stay in order.
        """
        ended = 0
        answers = []
        for send in login.live_sends:
            if send.parts:
                break
            ended += 1
            submission = send.submission
            if send.missed:
                if self._store(submission, send.missed):
                    continue
                submission.refuse(ErrNo.TOO_MANY, "too many messages, slow down")
                submission.settle_diverted()
            answers.append(submission)
        del login.live_sends[:ended]
        if answers:
            answer_sender(login, answers)
        elif ended:  # all are being stored; frames that waited for them (WAITS) go on
            login.connection.flow.unblock()

    def _store(self, submission: Submission, missed: set[int]) -> bool:
        """Store the message for these receivers; False if too many messages wait."""
        # A copy, because it gets a number. Receivers in other loops still have the original.
        submission.message = submission.message.copy()
        if submission.message.kind == GROUP_CHAT:
            submission.only = frozenset(missed)
            submission.joins = True
        return self._commits.add(submission)

    def _acknowledge(
        self, login: Login, message: ChatMessage, mid: str | None, rid: str | None
    ) -> None:
        """All receivers have it: answer in the order of sending. Classic senders get no answer."""
        if login.live_sends:  # a send without parts, which ends with the one before it
            self._begin(login, message, mid, rid)
        elif login.connection.v2:
            login.connection.send_message(chat_ack(mid, 0, message.time, rid))

    # ------------------------------------------------------------------ members of groups

    def forget_members(self, group_id: int) -> None:
        self._members.forget(group_id)

    def forget_all_members(self) -> None:
        self._members.forget_all()
