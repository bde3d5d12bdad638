"""Chat messages and their acknowledgement. All handlers: session's loop, and quick."""

from __future__ import annotations

from typing import Any

from chat.delivery.delivery import new_mid
from chat.delivery.message import RESERVED, TARGET_FIELD
from chat.delivery.outgoing import Outgoing
from chat.handlers.context import Context
from chat.protocol import Message, MsgType
from chat.session import Session

_CLASSIC_FIELDS = 6
"""msgid, id, name, target, msg, time: a classic message of this size has nothing further."""


def one_chat(ctx: Context, session: Session, message: Message) -> None:
    """ONE_CHAT_MSG."""
    _send(ctx, session, message, MsgType.ONE_CHAT_MSG)


def group_chat(ctx: Context, session: Session, message: Message) -> None:
    """GROUP_CHAT_MSG."""
    _send(ctx, session, message, MsgType.GROUP_CHAT_MSG)


def _send(ctx: Context, session: Session, message: Message, kind: MsgType) -> None:
    if session.v2:
        time, extra = ctx.clock.text(), None
    else:
        time, extra = message.get("time") or ctx.clock.text(), _extra(message)
    outgoing = Outgoing(
        session,
        kind,
        message[TARGET_FIELD[kind]],
        message["msg"],
        time,
        message.get("mid") or new_mid(),
        message.get("rid"),
        extra,
    )
    ctx.delivery.send(session, outgoing)


def _extra(message: Message) -> dict[str, Any] | None:
    """What a classic message holds beyond the protocol, for classic receivers."""
    if len(message) == _CLASSIC_FIELDS and "name" in message and "time" in message:
        return None
    return {key: value for key, value in message.items() if key not in RESERVED} or None


def delivered(ctx: Context, session: Session, message: Message) -> None:
    """DELIVERED_MSG."""
    session.pump.acknowledge(message["seqs"])


def ping(ctx: Context, session: Session, message: Message) -> None:
    """PING_MSG."""
    pong: Message = {"msgid": MsgType.PONG_MSG}
    if "rid" in message:
        pong["rid"] = message["rid"]
    session.send(pong)
