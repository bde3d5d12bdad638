"""SubscriberLink: subscribes at one Redis server, and hands on what is published there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chat.bus.redis_link import LinkContext, LinkState, RedisLink
from chat.bus.redis_url import Host
from chat.bus.resp import ErrorReply, Published, Reply, encode_command


class SubscriberLink(RedisLink):
    """Keeps the subscriptions over lost connections. Loop thread.

    Attributes:
        confirmed: what Redis has said that we are subscribed to.
    """

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        on_messages: Callable[[Sequence[Published]], object],
        on_change: Callable[[], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_change``: what is ``confirmed`` has changed. ``on_moved``: see PublisherLink."""
        super().__init__(context, host)
        self._verbs = (
            (b"SSUBSCRIBE", b"SUNSUBSCRIBE")
            if context.address.cluster
            else (b"SUBSCRIBE", b"UNSUBSCRIBE")
        )
        self._on_messages = on_messages
        self._on_change = on_change
        self._on_moved = on_moved
        self._wanted: set[bytes] = set()
        self._unanswered: dict[bytes, int] = {}  # how often asked for, without an answer so far
        self.confirmed: set[bytes] = set()

    @property
    def complete(self) -> bool:
        """Is everything that is wanted confirmed?"""
        return len(self.confirmed) == len(self._wanted)

    def subscribe(self, channels: Sequence[bytes]) -> None:
        """Hear of these, also after connecting again."""
        self._wanted.update(channels)
        self._ask_for(channels)

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        """Hear of these no more."""
        self._wanted.difference_update(channels)
        self.confirmed.difference_update(channels)
        if self.state is LinkState.UP:
            verb = self._verbs[1]
            self._write(b"".join([encode_command(verb, channel) for channel in channels]))

    def _ask_for(self, channels: Sequence[bytes]) -> None:
        if self.state is not LinkState.UP or not channels:
            return
        for channel in channels:
            self._unanswered[channel] = self._unanswered.get(channel, 0) + 1
        verb = self._verbs[0]
        self._write(b"".join([encode_command(verb, channel) for channel in channels]))

    def _went_up(self) -> None:
        self._unanswered.clear()
        self._ask_for(sorted(self._wanted))
        self._on_change()

    def _went_down(self) -> None:
        self.confirmed.clear()
        self._on_change()

    def _take(self, replies: Sequence[Reply]) -> None:
        messages: list[Published] = []
        changed = False
        for reply in replies:
            if type(reply) is Published:
                messages.append(reply)
            elif isinstance(reply, ErrorReply):
                self.complain(reply.text)
                if reply.code in ("MOVED", "CLUSTERDOWN"):
                    self._on_moved()
            elif type(reply) is list and len(reply) == 3 and type(reply[1]) is bytes:
                changed |= self._answered(reply[0], reply[1])
        if messages:
            self._on_messages(messages)
        if changed:
            self._on_change()

    def _answered(self, verb: Reply, channel: bytes) -> bool:
        if verb in (b"unsubscribe", b"sunsubscribe"):
            if channel in self.confirmed:  # nobody asked: it has moved to another server
                self.confirmed.discard(channel)
                self._on_moved()
            return False
        # Who came, left and came again must wait for the last answer.
        left = self._unanswered.pop(channel, 1) - 1
        if left:
            self._unanswered[channel] = left
            return False
        if channel in self._wanted:
            self.confirmed.add(channel)
        return True
