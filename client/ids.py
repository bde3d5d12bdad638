"""Ids of users and groups, typed by a user or given by a program. Pure."""

from __future__ import annotations

from chat.protocol import MAX_ID


def parse_id(text: str) -> int | None:
    """The id of a user or group in a text; None if the text is no id."""
    digits = text.strip()
    # int() also accepts "٣", hence isascii. It is slow with a million digits, hence the length.
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ID))):
        return None
    number = int(digits)
    return number if 1 <= number <= MAX_ID else None


def check_id(number: int) -> int:
    """Return the number if it can be the id of a user or group. Any thread.

    Raises ValueError for other numbers.
    """
    if type(number) is not int or not 1 <= number <= MAX_ID:
        raise ValueError(f"{number!r} is no id: an int from 1 to {MAX_ID} is needed")
    return number
