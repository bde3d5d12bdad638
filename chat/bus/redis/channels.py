"""The names of Redis' channels: one for each topic, and one for each node's answers."""

from __future__ import annotations

from functools import lru_cache

from chat.message import Topic

NODE, PROBE = b"chat:node:", b"chat:probe:"
"""Before a node's name: the channel for answers to it, and the channel that it probes."""


def channel_of(topic: Topic) -> bytes:
    """``chat:6:ID`` for a user, ``chat:10:ID`` for a group."""
    return b"chat:%d:%d" % topic


@lru_cache(maxsize=65_536)
def topic_of(channel: bytes) -> Topic | None:
    """The topic of a channel; None for a channel of another kind.

    Cached, because each publication that arrives needs it, mostly for a topic seen before.
    """
    parts = channel.split(b":")
    if len(parts) != 3 or parts[0] != b"chat" or not (parts[1].isdigit() and parts[2].isdigit()):
        return None
    return (int(parts[1]), int(parts[2]))
