"""The classic dialect: turns answers into the form of the original system.

The original's clients parse arrays of strings, each with a JSON object, and read ``errno``,
``error`` or ``errnum``, depending on the clone. Empty arrays are left out. The client's table gives
the numbers and names.
"""

from __future__ import annotations

from collections.abc import Iterable

from chat.protocol.codec import Message, encode
from chat.protocol.dialects.table import TUTORIAL, Names, Table
from chat.protocol.dialects.translate import chat_message, renamed, renumbered
from chat.protocol.msgtype import MsgType

ANSWERED = frozenset({MsgType.LOGIN_MSG_ACK, MsgType.REG_MSG_ACK})
"""The answers of the original. Its clients wait for no other."""


def classic_answer(answer: Message, table: Table = TUTORIAL) -> Message | None:
    """A v2 answer in classic form; None if the client gets no answer."""
    msgid = answer["msgid"]
    if msgid not in ANSWERED and msgid != MsgType.ERROR_MSG:
        return None
    # A copy, because the caller keeps the answer.
    shaped = _for_classic(answer)
    if "friends" in shaped:
        shaped["friends"] = _dumped(shaped["friends"], table.friend)
    if "groups" in shaped:
        groups = [
            {**_for_classic(group), "users": _dumped(group["users"], table.member)}
            for group in shaped["groups"]
        ]
        shaped["groups"] = _dumped(groups, table.group)
    if "offlinemsg" in shaped:
        mail = [chat_message(message, table) for message in shaped["offlinemsg"]]
        shaped["offlinemsg"] = [encode(message).decode() for message in mail]
    for name in _ARRAYS:
        if name in shaped and not shaped[name]:
            del shaped[name]
    return renumbered(shaped, table, table.answer)


_ARRAYS = ("friends", "groups", "offlinemsg")
_V2_ONLY = frozenset(
    {"v", "token", "heartbeat", "node", "retry_after", "join", "members", "more"}
    | {"friends_more", "groups_more", "invitations"}
)


def _for_classic(fields: Message) -> Message:
    return {key: value for key, value in fields.items() if key not in _V2_ONLY}


def _dumped(items: Iterable[Message], names: Names) -> list[str]:
    return [encode(renamed(item, names)).decode() for item in items]
