"""Table: the numbers and names that one family of the original's clones uses. A value, no I/O.

The original is known from a tutorial, and the protocol of this server has its numbers and names:
``TUTORIAL``. A clone's table says what differs. Everything behind the table speaks the
tutorial's numbers and names only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from chat.protocol.msgtype import MsgType

REQUESTS: Mapping[str, int] = MappingProxyType(
    {
        "login": int(MsgType.LOGIN_MSG),
        "logout": int(MsgType.LOGINOUT_MSG),
        "register": int(MsgType.REG_MSG),
        "chat": int(MsgType.ONE_CHAT_MSG),
        "add_friend": int(MsgType.ADD_FRIEND_MSG),
        "create_group": int(MsgType.CREATE_GROUP_MSG),
        "join_group": int(MsgType.ADD_GROUP_MSG),
        "group_chat": int(MsgType.GROUP_CHAT_MSG),
    }
)
"""The requests of the original, under the names that they have in files."""

ANSWERS: Mapping[str, int] = MappingProxyType(
    {
        "login_ack": int(MsgType.LOGIN_MSG_ACK),
        "register_ack": int(MsgType.REG_MSG_ACK),
        "error": int(MsgType.ERROR_MSG),
    }
)
"""The answers that a classic client gets. The original has no ``error``."""

OWN_REQUESTS: Mapping[int, int] = MappingProxyType(
    {
        int(number): int(number)
        for number in (
            MsgType.DELIVERED_MSG,
            MsgType.PING_MSG,
            MsgType.HISTORY_MSG,
            MsgType.REMOVE_FRIEND_MSG,
            MsgType.LEAVE_GROUP_MSG,
            MsgType.REMOVE_MEMBER_MSG,
            MsgType.DISSOLVE_GROUP_MSG,
            MsgType.MEMBERS_MSG,
        )
    }
)
"""The requests that this protocol has added. They belong to the tutorial's table."""

PONG = int(MsgType.PONG_MSG)

REQUEST_FIELDS = tuple(
    "msgid id name password toid msg time friendid groupid groupname groupdesc".split()
)

LEVELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "answer": tuple("msgid errno errmsg id name friends groups offlinemsg".split()),
        "friend": ("id", "name", "state"),
        "group": ("id", "groupname", "groupdesc", "users"),
        "member": ("id", "name", "state", "role"),
        "message": tuple("msgid id name toid groupid msg time".split()),
    }
)
"""The objects that a client is sent, and the fields of each."""

ERRNO_NAMES = ("errno", "error", "errnum")
"""Each clone looks for one of these. Clones with ``errnum`` send the same requests as the
tutorial's clients, so every answer has all three."""

Names = Mapping[str, tuple[str, ...]]
"""Fields that have other names, or several: the tutorial's name, and those that are sent."""


def _no_names() -> Names:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """How one family of clones numbers its messages and names their fields.

    Attributes:
        name: the file's, without folder and ending.
        requests: the client's number of each request, and the tutorial's.
        numbers: for messages to the client, the tutorial's number and the client's. A message
            that is absent cannot be sent.
        fields: each name that a request may use, and the tutorial's.
        number_names: the names of ``msgid`` in requests.
        answer, friend, group, member, message: how the fields of each level are named.
        unterminated: its clients end frames with the closing brace.
    """

    name: str
    requests: Mapping[int, int]
    numbers: Mapping[int, int]
    fields: Mapping[str, str]
    number_names: tuple[str, ...] = ("msgid",)
    answer: Names = field(default_factory=_no_names)
    friend: Names = field(default_factory=_no_names)
    group: Names = field(default_factory=_no_names)
    member: Names = field(default_factory=_no_names)
    message: Names = field(default_factory=_no_names)
    unterminated: bool = False

    def reads_as(self, other: Table) -> bool:
        """Does every request mean the same in both?"""
        return (
            self.requests == other.requests
            and self.fields == other.fields
            and self.number_names == other.number_names
        )

    @property
    def writes_plainly(self) -> bool:
        """Are messages from others written as the tutorial's clients get them?"""
        return not self.message and all(self.numbers.get(kind) == kind for kind in _CHATS)


_CHATS = (REQUESTS["chat"], REQUESTS["group_chat"])

TUTORIAL = Table(
    name="tutorial",
    requests=MappingProxyType({n: n for n in REQUESTS.values()} | dict(OWN_REQUESTS)),
    numbers=MappingProxyType({n: n for n in (*ANSWERS.values(), *_CHATS, PONG)}),
    fields=MappingProxyType({name: name for name in REQUEST_FIELDS}),
    answer=MappingProxyType({"errno": ERRNO_NAMES}),
)
