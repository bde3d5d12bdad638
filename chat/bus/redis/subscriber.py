"""SubscriberLink: subscribes at one Redis server, and hands on its publications."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence

from chat.bus.redis.link import LinkContext, LinkState, RedisLink
from chat.bus.redis.resp import ErrorReply, Published, Reply, encode_command
from chat.bus.redis.url import Host


class SubscriberLink(RedisLink):
    """Keeps the subscriptions over lost connections. Loop thread.

    Redis replies in the order of the commands, and an error does not name its channel. So
    ``_asked`` keeps the commands without a reply. Redis Cluster ends a subscription when its slot
    moves, without a command.

    Attributes:
        confirmed: the channels whose subscription Redis has confirmed.
    """

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        on_messages: Callable[[Sequence[Published]], object],
        on_change: Callable[[], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_change``: ``confirmed`` has changed. ``on_moved``: see PublisherLink."""
        super().__init__(context, host)
        sharded = context.address.cluster
        self._subscribe = b"ssubscribe" if sharded else b"subscribe"
        self._unsubscribe = b"sunsubscribe" if sharded else b"unsubscribe"
        self._on_messages = on_messages
        self._on_change = on_change
        self._on_moved = on_moved
        self._wanted: set[bytes] = set()
        self._asked: deque[tuple[bytes, bytes]] = deque()  # verb and channel, without a reply
        self._open: Counter[bytes] = Counter()  # how often each channel is in _asked
        self.confirmed: set[bytes] = set()

    @property
    def complete(self) -> bool:
        """Are all wanted subscriptions confirmed?"""
        # All confirmed channels are wanted ones, so the sizes suffice.
        return len(self.confirmed) == len(self._wanted)

    def subscribe(self, channels: Iterable[bytes]) -> None:
        """Subscribe, now and after each new connection."""
        self._wanted.update(channels)
        self._ask(self._subscribe, channels)

    def unsubscribe(self, channels: Iterable[bytes]) -> None:
        """End these subscriptions."""
        self._wanted.difference_update(channels)
        self.confirmed.difference_update(channels)
        self._ask(self._unsubscribe, channels)

    def ask_again(self) -> None:
        """Called regularly: ask for subscriptions that Redis has refused or ended.

        Not while replies are to come, because they may confirm the missing ones.
        """
        if not self._asked and not self.complete:
            self._ask(self._subscribe, sorted(self._wanted - self.confirmed))

    def _ask(self, verb: bytes, channels: Iterable[bytes]) -> None:
        if self.state is LinkState.UP:
            asked = [(verb, channel) for channel in channels]
            self._asked.extend(asked)
            self._open.update(channel for _, channel in asked)
            self._write(b"".join([encode_command(*words) for words in asked]))

    def _went_up(self) -> None:
        self._ask(self._subscribe, sorted(self._wanted))
        self._on_change()

    def _went_down(self) -> None:
        self.confirmed.clear()
        self._asked.clear()
        self._open.clear()
        self._on_change()

    def _take(self, replies: Sequence[Reply]) -> None:
        messages: list[Published] = []
        changed = False
        for reply in replies:
            if type(reply) is Published:
                messages.append(reply)
            elif isinstance(reply, ErrorReply):
                self._refused(reply)
            elif type(reply) is list and len(reply) == 3 and type(reply[1]) is bytes:
                changed |= self._answered(reply[0], reply[1])
        if messages:
            self._on_messages(messages)
        if changed:
            self._on_change()

    def _refused(self, error: ErrorReply) -> None:
        # The channel stays wanted: ``ask_again`` repeats the command, maybe at another server.
        self.complain(error.text)
        if self._asked:
            self._settle()
        if error.code in ("MOVED", "CLUSTERDOWN"):
            self._on_moved()

    def _settle(self) -> bool:
        """The oldest command has its reply; was it the last one about its channel?"""
        _, channel = self._asked.popleft()
        self._open[channel] -= 1
        if self._open[channel]:
            return False
        del self._open[channel]
        return True

    def _answered(self, verb: Reply, channel: bytes) -> bool:
        """A reply to (un)subscribe; True if it is one to a subscribe."""
        if self._asked and self._asked[0] == (verb, channel):
            # Only the last reply about a channel counts. Example: A logs in, out and in again while
            # subscribe, unsubscribe and subscribe are under way. The first reply confirms a
            # subscription that the second command ends.
            last = self._settle()
            if verb == self._subscribe and channel in self._wanted and last:
                self.confirmed.add(channel)
            return verb == self._subscribe
        # A reply to no command: the channel's slot has moved, and Redis has ended the subscription.
        if verb == self._unsubscribe and channel in self.confirmed:
            self.confirmed.discard(channel)
            self._on_moved()
        return False
