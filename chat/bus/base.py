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


class Bus(ABC):
    """Publish and subscribe by channel, one channel for a user and one for a group."""

    @abstractmethod
    def start(self, on_wakes: OnWakes, on_doubt: Callable[[], object]) -> None:
        """Begin. ``on_wakes`` and ``on_doubt`` (anything may have been missed) are called in
        the bus's or a publisher's thread and must be quick."""

    @abstractmethod
    def subscribe(self, channels: Iterable[Channel]) -> None:
        """Hear of these channels. Worker thread: blocks until that is certain."""

    @abstractmethod
    def unsubscribe(self, channels: Iterable[Channel]) -> None:
        """Hear of these channels no more. Any thread."""

    @abstractmethod
    def publish(self, messages: Sequence[ChatMessage]) -> None:
        """Announce messages on their channels. Any thread; never blocks, never raises."""

    @abstractmethod
    def close(self) -> None:
        """Idempotent."""
