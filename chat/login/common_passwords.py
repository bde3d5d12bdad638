"""Finds the passwords that a guesser tries first. Pure, but for the list of words, read once.

A password is common if it is, without regard to case,

- the name of the user,
- one or two characters or pieces that repeat: ``aaaaaa``, ``121212``, ``abcabc``,
- a run along the digits, the alphabet or a row of a keyboard: ``123456``, ``fedcba``, ``qwertyui``,
- a date of the years 1900 to 2099: ``19991231``, ``31121999``,
- a word of common_passwords.txt, alone, with digits or ``!`` at its end, or as ``p@ssw0rd``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

WORDS = Path(__file__).with_name("common_passwords.txt")

RUNS = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
    "qazwsxedcrfvtgbyhnujmikolp",
    "147258369",
)
"""Keys in a row. They are common in both directions."""

MOST_PIECE = 4
"""Characters of the longest piece whose repetition is common."""

_DIGITS_BEHIND = "0123456789!."

_LOOKS_LIKE = str.maketrans("@4310$5", "aaeioss")
"""The letters that people write as digits and signs."""

_date = re.compile(
    r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    r"|(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(19|20)\d\d"
    r"|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(19|20)\d\d"
).fullmatch


def is_common(password: str, name: str) -> bool:
    """Would a guesser try this password early? ``name``: of its user. Any thread."""
    text = password.casefold()
    plain = text.strip(_DIGITS_BEHIND)
    return (
        text == name.casefold()
        or _repeats(text)
        or any(text in run or text[::-1] in run for run in RUNS)
        or _date(text) is not None
        or plain in _words()
        or text.rstrip(_DIGITS_BEHIND).translate(_LOOKS_LIKE) in _words()
        or text.translate(_LOOKS_LIKE) in _words()
    )


def _repeats(text: str) -> bool:
    """Is the text one piece, repeated to its end?"""
    return any(
        text == (text[:length] * (len(text) // length + 1))[: len(text)]
        for length in range(1, min(MOST_PIECE, len(text) // 2) + 1)
    )


@cache
def _words() -> frozenset[str]:
    lines = WORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
