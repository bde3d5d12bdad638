"""The classic dialect: answers shaped as the original system's clients expect them.

They parse arrays of strings, each a dumped JSON object, and look for ``errno``, ``error`` or
``errnum``, depending on the clone. Empty arrays are left out. Numbers and names are those of the
client's table.
"""

from __future__ import annotations

from collections.abc import Iterable

from chat.protocol.codec import Message, encode
from chat.protocol.dialects.table import TUTORIAL, Names, Table
from chat.protocol.dialects.translate import chat_message, renamed, renumbered
from chat.protocol.msgtype import MsgType

ANSWERED = frozenset({MsgType.LOGIN_MSG_ACK, MsgType.REG_MSG_ACK})
"""The only answers that the original sends, and so the only ones its clients wait for."""


def classic_answer(answer: Message, table: Table = TUTORIAL) -> Message | None:
    """A v2 answer in classic form; None where the client gets no answer."""
    msgid = answer["msgid"]
    if msgid not in ANSWERED and msgid != MsgType.ERROR_MSG:
        return None
    # Copies, because the answer given is not ours to change.
    shaped = {key: value for key, value in answer.items() if key not in _V2_ONLY}
    if "friends" in shaped:
        shaped["friends"] = _dumped(shaped["friends"], table.friend)
    if "groups" in shaped:
        groups = [
            {**group, "users": _dumped(group["users"], table.member)} for group in shaped["groups"]
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
_V2_ONLY = frozenset({"v", "token", "heartbeat", "node", "retry_after"})


def _dumped(items: Iterable[Message], names: Names) -> list[str]:
    return [encode(renamed(item, names)).decode() for item in items]
