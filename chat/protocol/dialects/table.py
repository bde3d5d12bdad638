"""Table: the numbers and names of one family of the original's clones. A value, no I/O.

The original comes from a tutorial, and this server's protocol has the same numbers and names:
``TUTORIAL``. A clone's table has the differences. The rest of the server uses the tutorial's
numbers and names only.
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
"""The requests of the original, by their names in the files of tables."""

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
"""The requests that this protocol adds, if clients with the tutorial's numbers may send them.

A request that is absent here fits no table. It still passes on a connection without a guess: one
that ends its frames with LF, or whose dialect is known to be the tutorial's."""

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
"""The objects that a client receives, and the fields of each."""

ERRNO_NAMES = ("errno", "error", "errnum")
"""Each clone reads one of these. Clones with ``errnum`` send the same requests as the tutorial's
clients, so each answer has all three."""

Names = Mapping[str, tuple[str, ...]]
"""Fields with other names, or several: the tutorial's name, and the sent ones."""


def _no_names() -> Names:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The numbers and the names of fields of one family of clones.

    Attributes:
        name: the name of the file, without folder and ending.
        requests: the tutorial's number of each request, by the client's.
        numbers: the client's number of each message to it, by the tutorial's. A message that is
            absent cannot be sent.
        fields: the tutorial's name of each field of requests, by the client's.
        number_names: the client's names of ``msgid`` in requests.
        answer, friend, group, member, message: the names of the fields of each level.
        unterminated: its clients end frames with the closing brace, without terminator.
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
        """True if all requests mean the same in both tables."""
        return (
            self.requests == other.requests
            and self.fields == other.fields
            and self.number_names == other.number_names
        )

    @property
    def writes_plainly(self) -> bool:
        """True if its clients receive chat messages in the same form as the tutorial's."""
        return not self.message and all(self.numbers.get(kind) == kind for kind in _CHATS)


_CHATS = (REQUESTS["chat"], REQUESTS["group_chat"])

TUTORIAL = Table(
    name="tutorial",
    requests=MappingProxyType({n: n for n in REQUESTS.values()} | dict(OWN_REQUESTS)),
    numbers=MappingProxyType({n: n for n in (*ANSWERS.values(), *_CHATS, PONG)}),
    fields=MappingProxyType({name: name for name in REQUEST_FIELDS}),
    answer=MappingProxyType({"errno": ERRNO_NAMES}),
)
