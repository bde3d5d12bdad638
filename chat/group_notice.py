"""GroupNotice: a change of a group, for the clients of its members."""

from __future__ import annotations

from typing import NamedTuple

from chat.message import Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT, Message, MsgType

CREATED = "created"
JOINED = "joined"
LEFT = "left"
REMOVED = "removed"
BANNED = "banned"
ROLE = "role"
RENAMED = "renamed"
CHANGED = "changed"
DISSOLVED = "dissolved"
INVITED = "invited"
"""The changes. INVITED is for the invited user alone; all others are for the members."""

EVENTS = frozenset((JOINED, LEFT, REMOVED, BANNED, ROLE, RENAMED, CHANGED, DISSOLVED, INVITED))
"""The events of notices. CREATED has no notice, because a new group has no other members."""

LOGGED = EVENTS - {INVITED} | {CREATED}
"""The events that are entries of the group's log, too (chat/group_event.py)."""


class GroupNotice(NamedTuple):
    """A notice. It may get lost: the lists in the answer to the next login are right.

    Attributes:
        node: the node where the change was made; it has told its own logins.
        group_id, event: the group, and the kind of the change.
        user_id: the user whose membership changes; 0: the change is of the group itself.
        by: the user that has made the change, and is not told; 0: an operator.
        fields: further fields for clients: texts and numbers.
    """

    node: str
    group_id: int
    event: str
    user_id: int
    by: int
    fields: Message

    @property
    def topic(self) -> Topic:
        if self.event == INVITED:
            return (ONE_CHAT, self.user_id)
        return (GROUP_CHAT, self.group_id)

    @property
    def message(self) -> Message:
        """GROUP_NOTICE_MSG."""
        head: Message = {
            "msgid": int(MsgType.GROUP_NOTICE_MSG),
            "event": self.event,
            "groupid": self.group_id,
        }
        if self.user_id:
            head["userid"] = self.user_id
        if self.by:
            head["by"] = self.by
        return {**head, **self.fields}
