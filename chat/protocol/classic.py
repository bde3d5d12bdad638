"""The classic dialect: answers shaped as the original system's clients expect them.

They parse arrays of strings, each a dumped JSON object, and look for ``errno`` or ``error``,
depending on the clone. Empty arrays are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from chat.protocol.codec import Message, encode
from chat.protocol.msgtype import MsgType

ANSWERED = frozenset({MsgType.LOGIN_MSG_ACK, MsgType.REG_MSG_ACK})
"""The only answers that the original sends, and so the only ones its clients wait for."""

_ARRAYS = ("friends", "groups", "offlinemsg")


def classic_answer(answer: Message) -> Message | None:
    """A v2 answer in classic form; None where the original gives no answer."""
    msgid = answer["msgid"]
    if msgid not in ANSWERED and msgid != MsgType.ERROR_MSG:
        return None
    shaped = {key: value for key, value in answer.items() if key not in _V2_ONLY}
    shaped["error"] = shaped["errno"]
    if "groups" in shaped:  # copies, because the answer given is not ours to change
        shaped["groups"] = [
            {**group, "users": _dumped(group["users"])} for group in shaped["groups"]
        ]
    for name in _ARRAYS:
        if name in shaped:
            shaped[name] = _dumped(shaped[name])
            if not shaped[name]:
                del shaped[name]
    return shaped


_V2_ONLY = frozenset({"v", "token", "heartbeat", "node", "retry_after"})


def _dumped(items: Iterable[Message]) -> list[str]:
    return [encode(item).decode() for item in items]
