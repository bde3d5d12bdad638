"""What goes over Redis: wakes and notices as JSON arrays. Pure.

Nothing in a payload is trusted: a channel is open to whoever can reach the Redis server. What does
not have exactly this form is refused; what does can wake a session or show it a message, so Redis
must be as private as the database (a password, no public address).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple

import ujson

from chat.bus.base import MEMBERS, PRESENCE, TAKEN, Notice
from chat.message import ChatMessage, Topic
from chat.protocol import GROUP_CHAT, MAX_ID, MAX_SEQ, ONE_CHAT

MAX_MID = 64
WAKE_FIELDS = 12
LIVE_FIELDS = 13
NOTICE_FIELDS = 3
ANSWER_FIELDS = 3


class BadPayloadError(ValueError):
    """Not something that a chat server sends."""


def channel_name(channel: Topic) -> bytes:
    """``chat:6:ID`` for a user, ``chat:10:ID`` for a group."""
    return b"chat:%d:%d" % channel


@lru_cache(maxsize=65_536)
def parse_channel(name: bytes) -> Topic | None:
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


def encode_live(node: str, number: int, generation: int, mid: str, message: ChatMessage) -> bytes:
    """``node``: where to answer, under which ``number``; 0: no answer is wanted."""
    receivers = sorted(message.receivers) if message.kind == GROUP_CHAT else None
    fields = [
        *("l", node, number, generation, mid, message.kind, message.sender, message.name),
        *(message.target, message.text, message.time, message.extra, receivers),
    ]
    return ujson.dumps(fields, ensure_ascii=False, escape_forward_slashes=False).encode()


def encode_answer(number: int, reached: Collection[int]) -> bytes:
    return ujson.dumps(["a", number, list(reached)]).encode()


def decode_answer(payload: bytes | None) -> tuple[int, list[int]]:
    """(number, reached). Raises BadPayloadError."""
    fields = _parse(payload)
    if len(fields) == ANSWER_FIELDS and fields[0] == "a":
        _, number, reached = fields
        if type(number) is int and type(reached) is list and all(map(_is_id, reached)):
            return number, reached
    raise BadPayloadError("no answer")


class LivePayload(NamedTuple):
    """A live message from another node."""

    node: str
    number: int
    generation: int
    mid: str
    message: ChatMessage


class WakePayload(NamedTuple):
    """A wake from another node."""

    epoch: str
    number: int
    message: ChatMessage


def decode(channel: Topic, payload: bytes | None) -> WakePayload | LivePayload | Notice:
    """What somebody has published on a user's or group's channel; None for what was too long.

    Raises BadPayloadError.
    """
    fields = _parse(payload)
    form = (fields[0], len(fields)) if fields else None
    if form == ("w", WAKE_FIELDS):
        return _wake(channel, fields)
    if form == ("l", LIVE_FIELDS):
        return _live(channel, fields)
    if form == ("n", NOTICE_FIELDS):
        return _notice(channel, fields)
    raise BadPayloadError("an unknown form")


def _parse(payload: bytes | None) -> list[Any]:
    if payload is None:
        raise BadPayloadError("too long")
    try:
        fields = ujson.loads(payload)
    except ValueError as exc:
        raise BadPayloadError(str(exc)) from exc
    if type(fields) is not list:
        raise BadPayloadError("no array")
    return fields


def _wake(channel: Topic, fields: list[Any]) -> WakePayload:
    _, epoch, number, seq, *rest = fields
    right = type(epoch) is str and type(number) is type(seq) is int
    if not (right and number > 0 and 0 < seq <= MAX_SEQ):
        raise BadPayloadError("a field is wrong")
    return WakePayload(epoch, number, _message(channel, seq, rest))


def _live(channel: Topic, fields: list[Any]) -> LivePayload:
    _, node, number, generation, mid, *rest = fields
    right = type(node) is type(mid) is str and type(number) is type(generation) is int
    if not (right and 0 < len(mid) <= MAX_MID):
        raise BadPayloadError("a field is wrong")
    return LivePayload(node, number, generation, mid, _message(channel, 0, rest))


def _message(channel: Topic, seq: int, fields: list[Any]) -> ChatMessage:
    kind, sender, name, target, text, time, extra, receivers = fields
    right = (
        type(name) is type(text) is type(time) is str
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
    return message


def _notice(channel: Topic, fields: list[Any]) -> Notice:
    _, what, ids = fields
    if what not in (PRESENCE, TAKEN, MEMBERS) or Notice(1, what, ()).topic[0] != channel[0]:
        raise BadPayloadError("an unknown notice")
    if not (type(ids) is list and all(_is_id(user_id) for user_id in ids)):
        raise BadPayloadError("ids are wrong")
    return Notice(channel[1], what, tuple(ids))


def _is_id(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_ID
