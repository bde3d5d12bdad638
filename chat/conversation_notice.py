"""ConversationNotice: what happens in a conversation beside messages, for clients."""

from __future__ import annotations

from typing import NamedTuple

from chat.message import Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT, Message, MsgType

READ = "read"
"""The user ``by`` has read up to the message ``number``."""

TYPING = "typing"
"""The user ``by`` is writing a message."""

MUTED = "muted"
"""The user has muted the conversation (``number`` 1) or ended that (0) with another device."""

_MSGID = {
    READ: MsgType.READ_NOTICE_MSG,
    TYPING: MsgType.TYPING_NOTICE_MSG,
    MUTED: MsgType.MUTE_NOTICE_MSG,
}
EVENTS = frozenset(_MSGID)


class ConversationNotice(NamedTuple):
    """A notice. It may get lost: the list in the answer to the next login is right.

    Attributes:
        node: the node where it was made; it has told its own logins.
        event: one of EVENTS.
        user_id: the user that is told; 0: the members of the group, except ``by``.
        by: the user that has read, writes or has muted.
        with_id, group_id: the conversation, as ``user_id`` sees it: with the user ``with_id``, or
            in the group. The other one is 0.
        number: see the events.
    """

    node: str
    event: str
    user_id: int
    by: int
    with_id: int
    group_id: int
    number: int = 0

    @property
    def topic(self) -> Topic:
        return (ONE_CHAT, self.user_id) if self.user_id else (GROUP_CHAT, self.group_id)

    @property
    def message(self) -> Message:
        """READ_NOTICE_MSG, TYPING_NOTICE_MSG or MUTE_NOTICE_MSG."""
        message: Message = {"msgid": int(_MSGID[self.event])}
        if self.event != MUTED:
            message["id"] = self.by
        if self.group_id:
            message["groupid"] = self.group_id
        else:
            message["with"] = self.with_id
        if self.event == READ:
            message["seq"] = self.number
        elif self.event == MUTED:
            message["muted"] = bool(self.number)
        return message
