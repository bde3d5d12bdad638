"""ChatMessage: a chat message on its way to the receivers, in the form of each dialect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chat.protocol import GROUP_CHAT, ONE_CHAT, Message, encode
from chat.protocol.classic_split import split_message
from chat.protocol.dialects import Table, chat_message

Topic = tuple[int, int]
"""A subject to publish on and subscribe to: (kind of message, id of the user or group)."""

TARGET_FIELD = {ONE_CHAT: "toid", GROUP_CHAT: "groupid"}

RESERVED = frozenset(
    "msgid id name toid groupid msg time seq mid rid v errno errmsg error token password device "
    "friendid friend group friends groups offlinemsg heartbeat node seqs state reason reconnect "
    "retry_after with before limit messages more userid users after code join replace role gaps "
    "pending event members upto by byname bans invitations old new accept userids ids friendname "
    "query prefix muted receipts devices label end_device deviceid first last online this "
    "since".split()
)
"""Field names with a meaning in the protocol. A classic client's message cannot carry them to other
clients as unknown fields."""


_NO_RECEIVERS: frozenset[int] = frozenset()


def user_topics(user_id: int, group_ids: Iterable[int]) -> list[Topic]:
    """The topics that a node subscribes to for a user: the user's own, and one for each group."""
    return [(ONE_CHAT, user_id), *[(GROUP_CHAT, group_id) for group_id in group_ids]]


MAX_EXTRA = 4096
"""Bytes of a classic message's fields beyond the protocol."""


class ChatMessage:
    """A message of a user to a user or a group. Immutable once it is handed on.

    Attributes:
        seq: the number in the log; 0 for a live message (``direct``) and before the commit.
        kind: ONE_CHAT_MSG or GROUP_CHAT_MSG.
        sender, name: the user that sends, and that user's name.
        target: the user or the group that receives.
        text: the message itself.
        time: the server's time when it took the message, UTC; "" if that is not known.
        extra: fields of a classic message for classic receivers only: unknown fields, and as
            ``time`` the sender's local time, of an unknown zone; or None.
        receivers: the mailboxes that it was stored for, by number, set by the commit. No other
            mailbox gets it.
    """

    __slots__ = (
        "_classic",
        "_dialect",
        "_split",
        "_v2",
        "extra",
        "kind",
        "name",
        "receivers",
        "sender",
        "seq",
        "target",
        "text",
        "time",
    )

    def __init__(
        self,
        seq: int,
        kind: int,
        sender: int,
        name: str,
        target: int,
        text: str,
        time: str,
        extra: dict[str, Any] | None = None,
        classic_frame: bytes | None = None,
    ) -> None:
        """``classic_frame``: the encoded form for classic receivers, if it exists already."""
        self.seq = seq
        self.kind = kind
        self.sender = sender
        self.name = name
        self.target = target
        self.text = text
        self.time = time
        self.extra = extra
        self.receivers: frozenset[int] = _NO_RECEIVERS
        self._v2: bytes | None = None
        self._classic = classic_frame
        self._split: list[bytes] | None = None
        self._dialect: tuple[Table, list[bytes]] | None = None

    def __repr__(self) -> str:
        return f"<ChatMessage seq={self.seq} {self.sender}->{self.target} kind={self.kind}>"

    def copy(self) -> ChatMessage:
        """The same message without a number."""
        return ChatMessage(
            0, self.kind, self.sender, self.name, self.target, self.text, self.time, self.extra
        )

    @property
    def topic(self) -> Topic:
        return (self.kind, self.target)

    def fields(self, v2: bool) -> Message:
        """The message as a dict, as in ``offlinemsg``."""
        message: Message = {
            "msgid": self.kind,
            "id": self.sender,
            "name": self.name,
            TARGET_FIELD[self.kind]: self.target,
            "msg": self.text,
            "time": self.time,
        }
        if v2:
            if self.seq:
                message["seq"] = self.seq
        elif self.extra:
            message.update(self.extra)
        return message

    def frame(self, v2: bool) -> bytes:
        """The encoded message without terminator. Encoded once, for all receivers.

        Two threads may both encode at the same moment; they get equal bytes.
        """
        frame = self._v2 if v2 else self._classic
        if frame is None:
            frame = encode(self.fields(v2))
            if v2:
                self._v2 = frame
            else:
                self._classic = frame
        return frame

    def classic_frames(self, limit: int) -> list[bytes]:
        """The message for classic receivers, in frames of at most ``limit`` bytes; 0: one frame.

        A classic sender's unknown fields are left out first, then the text is split. The frames are
        made once for all receivers, as all have the same ``limit``; two threads may both make them.
        """
        frame = self.frame(False)
        if not limit or len(frame) <= limit:
            return [frame]
        frames = self._split
        if frames is None:
            frames = self._split = split_message(self.short_fields(), limit)
        return frames

    def dialect_frames(self, table: Table, limit: int) -> list[bytes]:
        """``classic_frames`` in a dialect's numbers and names. The last table's frames are kept."""
        kept = self._dialect
        if kept is not None and kept[0] is table:
            return kept[1]

        def encode_as(fields: Message) -> bytes:
            return encode(chat_message(fields, table))

        frame = encode_as(self.fields(False))
        if not limit or len(frame) <= limit:
            frames = [frame]
        else:
            frames = split_message(self.short_fields(), limit, encode_as)
        self._dialect = (table, frames)
        return frames

    def short_fields(self) -> Message:
        """The fields for classic receivers, without unknown ones."""
        fields = self.fields(True)
        fields.pop("seq", None)
        if self.extra and "time" in self.extra:
            fields["time"] = self.extra["time"]
        return fields
