"""Bus: tells the nodes that hold a receiver that there is mail.

The bus only wakes. What it announces is in the database already, so it may lose, repeat or
delay anything: the system gets slower, never wrong.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from chat.delivery.message import Channel, ChatMessage


class Wake(NamedTuple):
    """An announcement on a channel.

    ``contiguous``: nothing was missed on this channel since the wake before, so the message
    may be pushed as it is. Otherwise it is only a hint to look into the mailbox.
    """

    message: ChatMessage
    contiguous: bool


OnWakes = Callable[[Sequence[Wake]], object]

PRESENCE = "presence"
"""A notice to a friend: these users came or went."""

TAKEN = "taken"
"""A notice to whoever has a session of this user: another node has the user now."""


class Notice(NamedTuple):
    """Something that nodes tell each other on a user's channel. As a wake, it may get lost."""

    user_id: int
    what: str
    ids: tuple[int, ...]


OnNotices = Callable[[Sequence[Notice]], object]


def ignore_notices(notices: Sequence[Notice]) -> None:
    """The handler of who sets none."""


class Bus(ABC):
    """Publish and subscribe by channel, one channel for a user and one for a group.

    Attributes:
        on_notices: called, like the callbacks of ``start``, with notices from other nodes. Set
            before anything is subscribed.
    """

    on_notices: OnNotices = staticmethod(ignore_notices)

    @property
    def healthy(self) -> bool:
        """Does what is published arrive? If not, mailboxes must be looked into. Any thread."""
        return True

    @property
    def state(self) -> str:
        """In a word, to be shown. Any thread."""
        return "local"

    @abstractmethod
    def start(self, on_wakes: OnWakes, on_doubt: Callable[[], object]) -> None:
        """Begin. ``on_wakes`` and ``on_doubt`` (anything may have been missed) are called in
        the bus's or a publisher's thread and must be quick."""

    @abstractmethod
    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Hear of these channels. Worker thread: blocks until that is certain, or the bus is
        known not to be healthy. Counted: each needs its ``unsubscribe``."""

    @abstractmethod
    def unsubscribe(self, channels: Iterable[Channel]) -> None:
        """Hear of these channels no more. Any thread."""

    @abstractmethod
    def publish(self, messages: Sequence[ChatMessage]) -> None:
        """Announce messages on their channels. Any thread; never blocks, never raises."""

    @abstractmethod
    def tell(self, notices: Sequence[Notice]) -> None:
        """Send notices to the other nodes. Any thread; never blocks, never raises."""

    @abstractmethod
    def close(self) -> None:
        """Idempotent."""
