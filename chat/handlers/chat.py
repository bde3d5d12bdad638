"""Handlers of chat messages, acknowledgements and pings. All: connection's loop, never blocking."""

from __future__ import annotations

import re
from typing import Any

from chat.delivery.mode import WAITS
from chat.handlers.context import WAIT, Connection, Context, Waiting
from chat.message import MAX_EXTRA, RESERVED, TARGET_FIELD, ChatMessage
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


# A classic message of msgid, id, name, target, msg and time, with the right name, may go to classic
# receivers as it came, which saves encoding it (0.7 µs). There are two conditions:
#
# The parsed fields must be all that the frame holds. Example: a frame has "msg" twice; ujson keeps
# the second, the receiver's parser the first. Six keys and three strings have 18 quotation marks,
# and a frame with more is encoded anew.
#
# The frame must be JSON for every parser. Only ujson accepts the integer 02, and clients of the
# original end when they cannot parse a frame.
_CLASSIC_FIELDS = 6
_CLASSIC_QUOTES = 18
_leading_zero = re.compile(rb'" *: *0').search


def _extra(message: OneChatRequest | GroupChatRequest) -> dict[str, Any] | None:
    """The fields of a classic message beyond the protocol, for classic receivers."""
    extra = {key: value for key, value in message.items() if key not in RESERVED}
    try:
        if len(encode(extra)) > MAX_EXTRA:
            raise ProtocolError(ErrNo.BAD_REQUEST, f"unknown fields: more than {MAX_EXTRA} bytes")
    except (ValueError, OverflowError) as exc:  # 1e999 is JSON, but infinity has no JSON
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
