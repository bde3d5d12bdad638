"""Announcement: a text of the operator for all users that are online, on its way between nodes."""

from __future__ import annotations

from typing import NamedTuple

from chat.message import Topic
from chat.protocol import MsgType

TOPIC: Topic = (int(MsgType.ANNOUNCE_MSG), 0)
"""Of all announcements. A node of version 0.2 does not subscribe to it."""

MAX_ANNOUNCEMENT = 500
"""Characters. It fits into one frame of a client of the original, whose text may be Chinese."""

SENDER = "server"
"""The name under which clients of the original show it. Its id is 0, which no user has."""


class Announcement(NamedTuple):
    """A text for all users. It is not stored: users that are offline do not get it.

    Attributes:
        node: the bus name of the node that sends it, which has shown it to its own users.
        text: at most MAX_ANNOUNCEMENT characters.
        time: as in a chat message.
    """

    node: str
    text: str
    time: str

    @property
    def topic(self) -> Topic:
        return TOPIC
