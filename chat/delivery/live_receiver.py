"""LiveReceiver: hands live messages of other nodes to the logins of this node.

The sender's node counts a message as delivered when it reaches this node. So this node hands it
over, or stores it. In doubt both nodes store it, under the same ``mid``, and the log takes it once.
Examples:

    A's node publishes a message to B, who is logged in here; meanwhile B logs out. Redis has
    counted this node as a subscriber, so A was acknowledged. This node stores the message.

    Redis is frozen while it has A's message to B. A's node gets no answer, and stores it. Redis
    goes on, and the message arrives here, not fresh. Live, it would come to B twice. So this node
    stores it, too, and finds the row of A's node.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from chat.bus import Answer, Received
from chat.delivery.codec import LiveMessage, MessageBus
from chat.delivery.commit_queue import CommitQueue
from chat.delivery.live_handover import Handover, Late, LiveBatch
from chat.delivery.submission import Submission
from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.message import ChatMessage
from chat.notice import BLOCKED, Notice
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_CHAT
from muduopy import EventLoop

log = logging.getLogger(__name__)


class _Arrival(NamedTuple):
    """A live message for one login; ``fresh``: see chat.bus.Received."""

    login: Login
    live: LiveMessage
    fresh: bool


class LiveReceiver:
    """See the module's text. Any thread."""

    def __init__(
        self,
        bus: MessageBus,
        logins: LoginRegistry,
        commits: CommitQueue,
        on_own: Callable[[Sequence[Answer]], object],
    ) -> None:
        """``on_own`` gets an empty answer when this node's own request for a group comes back to
        it. This node is one of the counted subscribers, so Forwarding waits for its answer, too."""
        self._bus = bus
        self._logins = logins
        self._commits = commits
        self._on_own = on_own

    def take(self, received: Sequence[Received[LiveMessage]]) -> None:
        """Hand the messages over, and answer the requests for groups with the users here."""
        by_loop: defaultdict[EventLoop, list[_Arrival]] = defaultdict(list)
        for live, _, fresh in received:
            here = self._find(live.message)
            if not live.number:  # to a user
                if not here:
                    self._store(Submission(None, live.generation, live.message, live.mid))
            elif live.node == self._bus.name:  # DirectMode has served the receivers here
                self._on_own([Answer(live.number, ())])
                continue
            else:
                answer = Answer(live.number, [login.user_id for login in here])
                self._bus.answer(live.node, answer)
            for login in here:
                by_loop[login.loop].append(_Arrival(login, live, fresh))
        queue_in_loops(self._hand_over, by_loop)

    def _find(self, message: ChatMessage) -> list[Login]:
        """The logins here of the message's receivers."""
        if message.kind == GROUP_CHAT:
            here = self._logins.in_group(message.target)
            return [login for login in here if login.user_id in message.receivers]
        login = self._logins.find(message.target)
        if login is None:
            return []
        if message.sender in login.blocks:
            # The notice has not reached the sender's node yet. The message is not handed over, and
            # the transaction refuses to store it.
            self._bus.tell([Notice(message.sender, BLOCKED, (message.target,))])
            return []
        return [login]

    def _hand_over(self, arrivals: Sequence[_Arrival]) -> None:
        """The receivers' loop."""
        batch = LiveBatch()
        handovers: dict[ChatMessage, tuple[Handover, LiveMessage]] = {}
        for login, live, fresh in arrivals:
            handover, _ = handovers.setdefault(live.message, (Handover(live.message), live))
            # If the login has ended since ``take``, its pump takes no live message. So the message
            # is stored.
            if fresh:
                batch.take(login, handover)
            else:
                handover.divert(login.user_id, login.pump)
        batch.write()
        for handover, live in handovers.values():
            handover.finish(partial(self._store_late, live))

    def _store_late(self, live: LiveMessage, late: Late) -> None:
        if late:
            only = frozenset([user_id for user_id, _ in late])
            submission = Submission(None, live.generation, live.message.copy(), live.mid, only=only)
            submission.diverted = tuple([pump for _, pump in late])
            self._store(submission)

    def _store(self, submission: Submission) -> None:
        # Its sender was acknowledged by another node, so this loss is not reported to the sender.
        if not self._commits.add(submission):
            log.warning("a live message is lost: too many wait for the database")
            submission.settle_diverted()
