"""Chat messages and their acknowledgement. All handlers: session's loop, and quick."""

from __future__ import annotations

from typing import Any

from chat.delivery.message import RESERVED, TARGET_FIELD, ChatMessage
from chat.handlers.context import Context
from chat.protocol import ErrNo, Message, MsgType, ProtocolError, encode
from chat.session import Session

_CLASSIC_FIELDS = 6
"""msgid, id, name, target, msg, time: a classic message of this size has nothing further."""


def send(ctx: Context, session: Session, message: Message) -> None:
    """ONE_CHAT_MSG and GROUP_CHAT_MSG."""
    kind = message["msgid"]
    if session.v2:
        time, extra = ctx.clock.text(), None
    else:
        time, extra = message.get("time") or ctx.clock.text(), _extra(message)
    draft = ChatMessage(
        0,
        kind,
        session.user_id,
        session.name,
        message[TARGET_FIELD[kind]],
        message["msg"],
        time,
        extra,
    )
    ctx.delivery.send(session, draft, message.get("mid"), message.get("rid"))


def _extra(message: Message) -> dict[str, Any] | None:
    """What a classic message holds beyond the protocol, for classic receivers."""
    if len(message) == _CLASSIC_FIELDS and "name" in message and "time" in message:
        return None
    extra = {key: value for key, value in message.items() if key not in RESERVED}
    try:
        encode(extra)
    except (ValueError, OverflowError) as exc:  # 1e999 is JSON, but what it means is not
        raise ProtocolError(ErrNo.BAD_REQUEST, "a number out of range") from exc
    return extra or None


def delivered(ctx: Context, session: Session, message: Message) -> None:
    """DELIVERED_MSG."""
    session.pump.acknowledge(message["seqs"])


def ping(ctx: Context, session: Session, message: Message) -> None:
    """PING_MSG."""
    pong: Message = {"msgid": MsgType.PONG_MSG}
    if "rid" in message:
        pong["rid"] = message["rid"]
    session.send(pong)
