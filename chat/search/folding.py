"""Folding: texts that a reader takes for the same become the same.

    fold("Ｃａｆｅ́ 中文") == "café 中文"

Case, width, ligatures, and composed or single accents make no difference (NFKC and case folding),
and neither do invisible characters, such as the selectors behind an emoji. Accents do make one:
"cafe" is another word than "café".

A text is folded in *pieces*: a character with the marks that follow it. So each folded character
belongs to a piece of the text, and the place of a match in the folded text gives its place in the
text. The folded text is the folded pieces, one behind the other; most texts need no pieces,
because they are folded already, except for their case.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from unicodedata import combining, is_normalized, normalize

FORM: Final = "NFKC"

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Characters without a shape: selectors, joiners, directions, soft hyphens, tags, fillers."""

_FOLLOWERS = frozenset(
    map(
        chr,
        (
            *(0x09BE, 0x09D7, 0x0B3E, 0x0B56, 0x0B57, 0x0BBE, 0x0BD7, 0x0CC2, 0x0CD5, 0x0CD6),
            *(0x0D3E, 0x0D57, 0x0DCF, 0x0DDF, 0x102E, 0x1B35, 0x11127, 0x1133E, 0x11357),
            *(0x114B0, 0x114BA, 0x114BD, 0x115AF, 0x11930),
            *range(0x1161, 0x1176),
            *range(0x11A8, 0x11C3),
        ),
    )
)
"""Characters that may form one character with the one before, and are no combining marks."""

CACHED = 4096


def fold(text: str) -> str:
    """The form of a text in which texts are compared. Pure."""
    if text.isascii():
        return text.lower()
    if is_normalized(FORM, text) and not _INVISIBLE.search(text):
        folded = text.casefold()
        if is_normalized(FORM, folded):
            return folded
    return "".join(_fold_piece(text[start:end]) for start, end in _pieces(text))


def places(text: str) -> list[int] | None:
    """The index in ``text`` of each character of ``fold(text)``, and one for its end.

    None: the same index. Characters of one piece have the index of its start.
    """
    if text.isascii():
        return None
    found: list[int] = []
    for start, end in _pieces(text):
        found += [start] * len(_fold_piece(text[start:end]))
    found.append(len(text))
    return None if found == list(range(len(text) + 1)) else found


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The bounds of each character with the marks that follow it."""
    start = 0
    for index in range(1, len(text)):
        if not _follows(text[index]):
            yield start, index
            start = index
    if text:
        yield start, len(text)


@lru_cache(CACHED)
def _follows(character: str) -> bool:
    """May this character combine with the one before?"""
    if character.isascii():
        return False
    first = normalize("NFKD", character)[0]
    return combining(first) != 0 or first in _FOLLOWERS or _INVISIBLE.match(character) is not None


@lru_cache(CACHED)
def _fold_piece(piece: str) -> str:
    visible = _INVISIBLE.sub("", piece)
    return normalize(FORM, normalize(FORM, visible).casefold())
