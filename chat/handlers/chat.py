"""Chat messages and their acknowledgement. All handlers: connection's loop, and quick."""

from __future__ import annotations

import re
from typing import Any

from chat.delivery.mode import WAITS
from chat.handlers.context import WAIT, Connection, Context, Waiting
from chat.message import RESERVED, TARGET_FIELD, ChatMessage
from chat.protocol import ErrNo, Message, MsgType, ProtocolError, encode
from chat.protocol.requests import (
    DeliveredRequest,
    GroupChatRequest,
    OneChatRequest,
    PingRequest,
)


def send(
    ctx: Context,
    connection: Connection,
    message: OneChatRequest | GroupChatRequest,
    frame: bytes,
) -> Waiting | None:
    """ONE_CHAT_MSG and GROUP_CHAT_MSG."""
    login = connection.login
    assert login is not None
    kind = message["msgid"]
    time = ctx.clock.text()
    extra: dict[str, Any] | None = None
    as_it_came: bytes | None = None
    if not connection.v2:
        if len(message) != _CLASSIC_FIELDS or "name" not in message or not message.get("time"):
            extra = _extra(message)
        elif (
            message.get("name") == login.name
            and frame.count(b'"') == _CLASSIC_QUOTES
            and not _leading_zero(frame)
        ):
            as_it_came = frame
        written = message.get("time")
        if written:
            # The sender's local time, for classic receivers only. It names no zone: v2 receivers
            # would read 21:59 in Shanghai as 21:59 UTC.
            extra = {**extra, "time": written} if extra else {"time": written}
    draft = ChatMessage(
        0,
        kind,
        login.user_id,
        login.name,
        message[TARGET_FIELD[kind]],  # type: ignore[literal-required]
        message["msg"],
        time,
        extra,
        as_it_came,
    )
    result = ctx.delivery.send(login, draft, message.get("mid"), message.get("rid"))
    return WAIT if result is WAITS else None


# A classic message of msgid, id, name, target, msg and time, with the right name, may go to
# classic receivers as it came, which saves encoding it (0.7 µs). But only if parsing cannot have
# hidden anything, such as a key given twice, of which another parser might believe the other
# one. Six keys and three strings have this many quotation marks; one more means a closer look.
# Nor may it be what only ujson takes for JSON: of three positive integers, one such as 02. The
# original's clients end when they cannot parse something.
_CLASSIC_FIELDS = 6
_CLASSIC_QUOTES = 18
MAX_EXTRA = 4096
"""Bytes of what a classic message holds beyond the protocol."""

_leading_zero = re.compile(rb'" *: *0').search


def _extra(message: OneChatRequest | GroupChatRequest) -> dict[str, Any] | None:
    """What a classic message holds beyond the protocol, for classic receivers."""
    extra = {key: value for key, value in message.items() if key not in RESERVED}
    try:
        if len(encode(extra)) > MAX_EXTRA:
            raise ProtocolError(ErrNo.BAD_REQUEST, f"unknown fields: more than {MAX_EXTRA} bytes")
    except (ValueError, OverflowError) as exc:  # 1e999 is JSON, but what it means is not
        raise ProtocolError(ErrNo.BAD_REQUEST, "a number out of range") from exc
    return extra or None


def delivered(
    ctx: Context, connection: Connection, message: DeliveredRequest, frame: bytes
) -> None:
    """DELIVERED_MSG."""
    assert connection.login is not None
    connection.login.pump.acknowledge(message["seqs"])


def ping(ctx: Context, connection: Connection, message: PingRequest, frame: bytes) -> None:
    """PING_MSG."""
    pong: Message = {"msgid": MsgType.PONG_MSG}
    if message.get("rid") is not None:
        pong["rid"] = message["rid"]
    connection.send_message(pong)
