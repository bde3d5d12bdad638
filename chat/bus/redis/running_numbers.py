"""RunningNumbers: how a receiver notices that something published to it was lost.

Each publisher numbers what it sends on each channel, so the next number in turn means that nothing
is missing. A number out of turn only means: look into the mailbox. A publisher that is heard on a
channel for the first time is in turn only with its number 1: what came before may have been lost.
"""

from __future__ import annotations

import secrets

from chat.message import Topic

MAX_PUBLISHERS = 100
"""Whose last numbers on one channel are remembered."""

MAX_CHANNELS = 200_000
"""Channels that we have published on; then a new epoch begins, with none."""


class RunningNumbers:
    """Of what this node publishes, and of what it hears. One thread's.

    Attributes:
        publisher: this node's life, in its epochs' names.
    """

    def __init__(self) -> None:
        self.publisher = secrets.token_hex(8)
        self._published: dict[Topic, int] = {}  # the last number
        self._epochs = 0
        self._heard: dict[Topic, dict[str, tuple[str, int]]] = {}  # epoch and last number

    def next(self, channel: Topic) -> tuple[str, int]:
        """Epoch and number for what is published now."""
        if len(self._published) >= MAX_CHANNELS:
            self._published.clear()
            self._epochs += 1
        number = self._published[channel] = self._published.get(channel, 0) + 1
        return f"{self.publisher}.{self._epochs}", number

    def is_own(self, epoch: str) -> bool:
        return epoch.startswith(self.publisher)

    def in_turn(self, channel: Topic, epoch: str, number: int) -> bool:
        """This was heard: is nothing missing before it?"""
        publishers = self._heard.setdefault(channel, {})
        publisher = epoch.partition(".")[0]
        last_epoch, last = publishers.get(publisher, (epoch, 0))
        if len(publishers) > MAX_PUBLISHERS:  # of servers that have long been restarted
            publishers.clear()
        publishers[publisher] = (epoch, number)
        # At a change of epochs the last numbers of the old one may be missing.
        return epoch == last_epoch and number == last + 1

    def forget(self, channel: Topic) -> None:
        """It is heard no more."""
        self._heard.pop(channel, None)

    def forget_all(self) -> None:
        """What was heard last is not known any more."""
        self._heard.clear()
