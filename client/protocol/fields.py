"""Fields: single fields of a message, as values. Pure.

Reading is tolerant. A field that is missing or has the wrong type becomes empty, because a friend
without a name is more useful than an error.
"""

from __future__ import annotations

from typing import Any

from chat.protocol import MAX_ID, MAX_SEQ, Message


def read_id(message: Message, key: str) -> int:
    """The id in a field, 0 if there is none."""
    value = message.get(key)
    return value if type(value) is int else 0


def read_ids(message: Message, key: str, name: str) -> frozenset[int]:
    """The ids in this field of a list of objects."""
    found = (read_id(item, name) for item in read_objects(message, key))
    return frozenset(number for number in found if 0 < number <= MAX_ID)


def read_text(message: Message, key: str) -> str:
    """The text in a field, an empty one if there is none."""
    value = message.get(key)
    return value if type(value) is str else ""


def read_object(message: Message, key: str) -> Message:
    """The object in a field, an empty one if there is none."""
    value = message.get(key)
    return value if type(value) is dict else {}


def read_objects(message: Message, key: str) -> list[Message]:
    """The objects in an array field; its other items are left out."""
    value = message.get(key)
    return [item for item in value if type(item) is dict] if type(value) is list else []


def read_mark_at(message: Message, key: str) -> int | None:
    """A number of a message, or 0: none is read."""
    mark = message.get(key)
    return mark if type(mark) is int and 0 <= mark <= MAX_SEQ else None


def read_seq(message: Message) -> int | None:
    """The number of a message in the field ``seq``."""
    seq = message.get("seq")
    return seq if type(seq) is int and 0 < seq <= MAX_SEQ else None


def to_seconds(value: Any) -> float | None:
    """A number of seconds that makes sense."""
    return float(value) if type(value) in (int, float) and 0 < value < 1e6 else None
