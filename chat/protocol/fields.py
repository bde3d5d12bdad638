"""Which fields a request has, and what may stand in them: a table, and the checks it names."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from chat.protocol.codec import Message
from chat.protocol.errors import ErrNo, ProtocolError
from chat.protocol.msgtype import MsgType

MAX_ID = 2**31 - 1
MAX_SEQ = 2**53 - 1
"""Above this, JavaScript and every other reader of doubles would round."""

V2 = 2

Check = Callable[[object], str | None]
"""Returns None when the value is right, else what is wrong with it ("must be …")."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the parts of a message may be. Characters, except ``text_bytes``."""

    name: int = 50
    password_min: int = 6
    password_max: int = 128
    group_name: int = 50
    group_desc: int = 200
    text_bytes: int = 16 * 1024
    opaque: int = 64
    classic_time: int = 40
    seqs: int = 1000


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a request."""

    name: str
    check: Check
    required: bool = True


Schema = dict[int, tuple[Field, ...]]


def validate(message: Message, fields: tuple[Field, ...]) -> None:
    """Check a request against its row of the schema. Raises ProtocolError(BAD_REQUEST)."""
    for field in fields:
        value = message.get(field.name, message)  # message itself: a marker no field can hold
        if value is message:
            if field.required:
                raise ProtocolError(ErrNo.BAD_REQUEST, f"{field.name}: is missing")
            continue
        problem = field.check(value)
        if problem is not None:
            raise ProtocolError(ErrNo.BAD_REQUEST, f"{field.name}: {problem}")


def build_schema(limits: Limits) -> Schema:
    """The fields of every request a client may send."""
    rid = Field("rid", text(limits.opaque), required=False)
    me = Field("id", object_id)
    chat = (
        me,
        Field("msg", text_bytes(limits.text_bytes)),
        Field("time", text(limits.classic_time), required=False),
        Field("mid", text(limits.opaque, minimum=1), required=False),
        rid,
    )
    version = Field("v", version_number, required=False)
    return {
        MsgType.LOGIN_MSG: (
            me,
            version,
            Field("password", text(limits.password_max), required=False),
            Field("token", text(limits.opaque), required=False),
            Field("device", text(limits.opaque), required=False),
            rid,
        ),
        MsgType.LOGINOUT_MSG: (me, rid),
        MsgType.REG_MSG: (
            version,
            Field("name", plain_name(limits.name)),
            Field("password", text(limits.password_max, minimum=limits.password_min)),
            rid,
        ),
        MsgType.ONE_CHAT_MSG: (Field("toid", object_id), *chat),
        MsgType.GROUP_CHAT_MSG: (Field("groupid", object_id), *chat),
        MsgType.ADD_FRIEND_MSG: (me, Field("friendid", object_id), rid),
        MsgType.CREATE_GROUP_MSG: (
            me,
            Field("groupname", plain_name(limits.group_name)),
            Field("groupdesc", text(limits.group_desc)),
            rid,
        ),
        MsgType.ADD_GROUP_MSG: (me, Field("groupid", object_id), rid),
        MsgType.DELIVERED_MSG: (Field("seqs", seq_list(limits.seqs)), rid),
        MsgType.PING_MSG: (rid,),
    }


def object_id(value: object) -> str | None:
    """A user or group id. ``type() is``: in Python, True is an int too."""
    if type(value) is int and 1 <= value <= MAX_ID:
        return None
    return f"must be an integer from 1 to {MAX_ID}"


def version_number(value: object) -> str | None:
    if type(value) is int and value >= 1:
        return None
    return "must be a positive integer"


def text(maximum: int, minimum: int = 0) -> Check:
    """Any text of so many characters."""

    def check(value: object) -> str | None:
        if type(value) is str and minimum <= len(value) <= maximum:
            return None
        return f"must be a string of {minimum} to {maximum} characters"

    return check


def text_bytes(maximum: int) -> Check:
    """Any text of at most so many bytes in UTF-8."""
    surely_fits = maximum // 4  # no character has more than four bytes

    def check(value: object) -> str | None:
        if type(value) is str and (len(value) <= surely_fits or len(value.encode()) <= maximum):
            return None
        return f"must be a string of at most {maximum} bytes"

    return check


def plain_name(maximum: int) -> Check:
    """A name that looks like what it is.

    No control, format or unassigned characters (Unicode category C: zero-width characters,
    bidi overrides), no line separators, no spaces at the ends: two names that differ must be
    able to look different.
    """

    def check(value: object) -> str | None:
        if type(value) is not str or not 1 <= len(value) <= maximum:
            return f"must be a string of 1 to {maximum} characters"
        if value != value.strip():
            return "must not begin or end with a space"
        if any(unicodedata.category(char) in _NOT_IN_NAMES for char in value):
            return "must not contain control or invisible characters"
        return None

    return check


_NOT_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def seq_list(maximum: int) -> Check:
    """A list of message numbers."""

    def check(value: object) -> str | None:
        if (
            type(value) is list
            and len(value) <= maximum
            and all(type(seq) is int and 0 < seq <= MAX_SEQ for seq in value)
        ):
            return None
        return f"must be an array of at most {maximum} message numbers"

    return check
