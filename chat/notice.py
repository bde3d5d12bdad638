"""Notice: a short message between nodes about a user or a group."""

from __future__ import annotations

from typing import NamedTuple

from chat.message import Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT

PRESENCE = "presence"
"""For a user with friends: the friends ``ids`` have come or gone."""

TAKEN = "taken"
"""For the node with a login of the user ``target``: another node has the user now."""

MEMBERS = "members"
"""For the nodes with members of the group ``target``: a user has joined or left."""

BLOCKED = "blocked"
"""For the node with a login of the user ``target``: the users ``ids`` block it now. A server of
version 0.2.0 does not know this word, and ignores it."""

ASKED = "asked"
ACCEPTED = "accepted"
"""For the node with a login of the user ``target``: the users ``ids`` ask it to be a friend, or
have accepted its request. A server of version 0.2.0 ignores both, as BLOCKED."""

LISTED = "listed"
"""For the nodes with named devices of the user ``target``: a device of the user has changed the
list of friends. ``ids``: the friend, and the number of that device. A server of version 0.2.0
ignores it, as BLOCKED."""

DECLINED = "declined"
"""As LISTED: a device has declined the request of the user in ``ids``."""

ENTERED = "entered"
"""For the nodes with devices of the user ``target``: it is a member of the groups ``ids`` now. A
server of version 4 of the tables ignores it, as BLOCKED."""

DEVICE = "device"
"""For the nodes with devices of the user ``target``: the device with the number in ``ids`` is new,
or has ended; without a number, the unnamed one."""

WORDS = frozenset(
    (PRESENCE, TAKEN, MEMBERS, BLOCKED, ASKED, ACCEPTED, LISTED, DECLINED, ENTERED, DEVICE)
)


class Notice(NamedTuple):
    """A notice. It may get lost, because regular rounds and polls find the same change later.

    Attributes:
        target: a group for MEMBERS, else a user; its topic is the notice's.
        word: one of WORDS.
        ids: users; for ENTERED, groups. For MEMBERS, the user that has left, or none. For LISTED
            and DECLINED, a user and the number of a device, without it if that is 0.
    """

    target: int
    word: str
    ids: tuple[int, ...]

    @property
    def topic(self) -> Topic:
        return (GROUP_CHAT if self.word == MEMBERS else ONE_CHAT, self.target)
