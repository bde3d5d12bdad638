"""What goes over Redis: wakes and notices as JSON arrays. Pure.

Nothing in a payload is trusted: a channel is open to whoever can reach the Redis server. What does
not have exactly this form is refused; what does can wake a session or show it a message, so Redis
must be as private as the database (a password, no public address).
"""

from __future__ import annotations

from typing import Any

import ujson

from chat.bus.base import PRESENCE, TAKEN, Notice
from chat.delivery.message import Channel, ChatMessage
from chat.protocol import GROUP_CHAT, MAX_ID, ONE_CHAT

PREFIX = "chat:"
MAX_PAYLOAD = 1024 * 1024
"""Bytes. A group message names its receivers: 100,000 of them fit."""

MAX_SEQ = 2**53
WAKE_FIELDS = 12
NOTICE_FIELDS = 3


class BadPayloadError(ValueError):
    """Not something that a chat server sends."""


def channel_name(channel: Channel) -> str:
    """``chat:6:ID`` for a user, ``chat:10:ID`` for a group."""
    return f"{PREFIX}{channel[0]}:{channel[1]}"


def parse_channel(name: bytes) -> Channel | None:
    """The channel of a name; None for a foreign one."""
    parts = name.split(b":")
    if len(parts) != 3 or parts[0] != b"chat" or not (parts[1].isdigit() and parts[2].isdigit()):
        return None
    return (int(parts[1]), int(parts[2]))


def encode_wake(epoch: str, number: int, message: ChatMessage) -> bytes:
    """``number``: the running number of this publisher on this channel, from 1 in each epoch."""
    receivers = sorted(message.receivers) if message.kind == GROUP_CHAT else None
    fields = [
        *("w", epoch, number, message.seq, message.kind, message.sender, message.name),
        *(message.target, message.text, message.time, message.extra, receivers),
    ]
    return ujson.dumps(fields, ensure_ascii=False, escape_forward_slashes=False).encode()


def encode_notice(notice: Notice) -> bytes:
    return ujson.dumps(["n", notice.what, list(notice.ids)]).encode()


def decode(channel: Channel, payload: bytes) -> tuple[str, int, ChatMessage] | Notice:
    """A wake, as (epoch, number, message), or a notice. Raises BadPayloadError."""
    if len(payload) > MAX_PAYLOAD:
        raise BadPayloadError(f"{len(payload)} bytes")
    try:
        fields = ujson.loads(payload)
    except ValueError as exc:
        raise BadPayloadError(str(exc)) from exc
    if type(fields) is list and len(fields) == WAKE_FIELDS and fields[0] == "w":
        return _wake(channel, fields)
    if type(fields) is list and len(fields) == NOTICE_FIELDS and fields[0] == "n":
        return _notice(channel, fields)
    raise BadPayloadError("neither wake nor notice")


def _wake(channel: Channel, fields: list[Any]) -> tuple[str, int, ChatMessage]:
    _, epoch, number, seq, kind, sender, name, target, text, time, extra, receivers = fields
    right = (
        type(epoch) is type(name) is type(text) is type(time) is str
        and type(number) is type(seq) is int
        and number > 0
        and 0 < seq < MAX_SEQ
        and (kind, target) == channel
        and kind in (ONE_CHAT, GROUP_CHAT)
        and _is_id(sender)
        and _is_id(target)
        and (extra is None or type(extra) is dict)
    )
    if not right:
        raise BadPayloadError("a field is wrong")
    message = ChatMessage(seq, kind, sender, name, target, text, time, extra)
    if kind == ONE_CHAT:
        message.receivers = frozenset((target,))
    elif type(receivers) is list and all(_is_id(user_id) for user_id in receivers):
        message.receivers = frozenset(receivers)
    else:
        raise BadPayloadError("receivers are wrong")
    return epoch, number, message


def _notice(channel: Channel, fields: list[Any]) -> Notice:
    _, what, ids = fields
    if channel[0] != ONE_CHAT or what not in (PRESENCE, TAKEN):
        raise BadPayloadError("an unknown notice")
    if not (type(ids) is list and all(_is_id(user_id) for user_id in ids)):
        raise BadPayloadError("ids are wrong")
    return Notice(channel[1], what, tuple(ids))


def _is_id(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_ID
