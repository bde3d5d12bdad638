"""The bytes of an answer to a request on Redis: a JSON array ``["a", number, ids]``. Pure.

Nodes of different versions work on one Redis, so this form stays as it is. Other clients of the
Redis server can publish on a node's channel, too, so each field is checked.
"""

from __future__ import annotations

import ujson

from chat.bus.base import Answer, BadPayloadError
from chat.protocol import MAX_ID

FIELDS = 3


def encode_answer(answer: Answer) -> bytes:
    """The payload for the channel of the requesting node."""
    return ujson.dumps(["a", answer.number, list(answer.ids)]).encode()


def decode_answer(data: bytes | None) -> Answer:
    """``data``: None where it was too long. Raises BadPayloadError."""
    if data is None:
        raise BadPayloadError("too long")
    try:
        fields = ujson.loads(data)
    except ValueError as exc:
        raise BadPayloadError(str(exc)) from exc
    if type(fields) is list and len(fields) == FIELDS and fields[0] == "a":
        _, number, ids = fields
        if type(number) is int and type(ids) is list and all(map(_is_id, ids)):
            return Answer(number, ids)
    raise BadPayloadError("no answer")


def _is_id(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_ID
