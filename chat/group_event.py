"""GroupEvent: a change of a group, as an entry of the log, on its way to the members' devices."""

from __future__ import annotations

from collections.abc import Mapping

from chat.message import ChatMessage, Topic
from chat.protocol import GROUP_CHAT, GROUP_EVENT, Message

NAME_OF = {"userid": "name", "by": "byname"}
"""The fields with users, and those with their names. The log has the numbers only: a user may be
renamed, and the name of a deleted account must not stay."""


class GroupEvent(ChatMessage):
    """An entry of the log with the kind GROUP_EVENT_MSG. Only named devices get it.

    The pump, the mailbox and the acknowledgement treat it as a message.

    Attributes:
        target: the group.
        details: the fields of the event: ``event``, ``userid``, ``by``, and so on.
    """

    __slots__ = ("details",)

    def __init__(self, seq: int, group_id: int, time: str, details: Message) -> None:
        super().__init__(seq, GROUP_EVENT, 0, "", group_id, "", time)
        self.details = details

    @property
    def topic(self) -> Topic:
        return (GROUP_CHAT, self.target)

    @property
    def user_ids(self) -> set[int]:
        """The users that the event names."""
        return {self.details[field] for field in NAME_OF if field in self.details}

    def add_names(self, names: Mapping[int, str]) -> None:
        """Give the users their names. Before the event is handed on."""
        named = {
            name: names.get(self.details[field], "")
            for field, name in NAME_OF.items()
            if field in self.details and name not in self.details
        }
        self.details = {**self.details, **named}

    def fields(self, v2: bool) -> Message:
        """GROUP_EVENT_MSG. A client that gets one speaks v2."""
        return {
            "msgid": self.kind,
            "groupid": self.target,
            **self.details,
            "time": self.time,
            "seq": self.seq,
        }
