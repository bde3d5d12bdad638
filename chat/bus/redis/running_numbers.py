"""RunningNumbers: the numbers by which a subscriber notices a lost publication.

Each publisher numbers its publications on each topic. The next number in turn means that none is
missing. After any other number, mailboxes must be read.

A publisher that is new on a topic is in turn only with its number 1. Example: node 1 publishes 1
to a user at node 2; meanwhile node 2's connection to Redis breaks, and 1 is lost. Node 1 publishes
2, the first publication that node 2 receives from it. So node 2 must take 1 for lost.
"""

from __future__ import annotations

import secrets

from chat.bus.base import Stamp
from chat.message import Topic

MAX_PUBLISHERS = 100
"""Publishers whose last number is remembered for one topic."""

MAX_TOPICS = 200_000
"""Topics whose last number this node remembers as their publisher. Beyond it, all are forgotten,
and a new epoch begins with 1 on each topic."""


class RunningNumbers:
    """The numbers that this node has given, and those that it has received. One thread only.

    Attributes:
        publisher: a random name of this process; its epochs' names begin with it.
    """

    def __init__(self) -> None:
        self.publisher = secrets.token_hex(8)
        self._published: dict[Topic, int] = {}  # the last number
        self._epochs = 0
        self._heard: dict[Topic, dict[str, Stamp]] = {}  # the last stamp of each publisher

    def next(self, topic: Topic) -> Stamp:
        """The stamp for the next publication."""
        if len(self._published) >= MAX_TOPICS:
            self._published.clear()
            self._epochs += 1
        number = self._published[topic] = self._published.get(topic, 0) + 1
        return f"{self.publisher}.{self._epochs}", number

    def is_own(self, epoch: str) -> bool:
        """Is this an epoch of this node's own publications?"""
        return epoch.startswith(self.publisher)

    def in_turn(self, topic: Topic, epoch: str, number: int) -> bool:
        """This stamp was received: is none missing before it?"""
        publishers = self._heard.setdefault(topic, {})
        publisher = epoch.partition(".")[0]
        last_epoch, last = publishers.get(publisher, (epoch, 0))
        if len(publishers) > MAX_PUBLISHERS:  # processes that have long ended
            publishers.clear()
        publishers[publisher] = (epoch, number)
        # With a new epoch, the last numbers of the former one may be missing.
        return epoch == last_epoch and number == last + 1

    def forget(self, topic: Topic) -> None:
        """This node has no subscription to it any more."""
        self._heard.pop(topic, None)

    def forget_all(self) -> None:
        """Publications may have been lost: each publisher is in turn only with its number 1."""
        self._heard.clear()
