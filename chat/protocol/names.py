"""Names of users and groups: their stored form, and the check of new names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

BLANKS = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""The space separators (Zs) besides U+0020. Input methods for Chinese write U+3000, for example."""

PRESENTATION = "\ufe0e\ufe0f"
"""Variation selectors, which choose a plain or coloured form of the character before them. Phones
add one to emoji."""

IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's Default_Ignorable_Code_Point: characters that are not drawn."""

EMPTY = "\u2800\u2d7f\ufffc\U0001107f\U00013441\U00013442\U00016fe4\U0001d159"
"""Characters without ink: a Braille cell without dots, joiners of Tifinagh and Brahmi, a missing
object, blank hieroglyphs, the filler of Khitan, a note without head."""

NOT_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format, surrogate, private use, unassigned; line and paragraph separators."""

_blank = re.compile(f"[{BLANKS}]")
_presentation = re.compile(f"[{PRESENTATION}]")
_invisible = re.compile(f"[{IGNORABLE}{EMPTY}]")


def normal_name(value: str) -> str:
    """The stored form of a name: NFC, with one kind of blank. Any thread."""
    if value.isascii():
        return value
    text = _presentation.sub("", _blank.sub(" ", value))
    return unicodedata.normalize("NFC", text)


def visible_part(name: str) -> str:
    """A name without invisible characters, which older versions accepted."""
    return " ".join(_invisible.sub("", normal_name(name)).split())


def plain_name(longest: int) -> Callable[[str], str | None]:
    """A check for names: 1 to ``longest`` characters, all visible, with single blanks inside."""

    def check(value: str) -> str | None:
        name = normal_name(value)
        if not 1 <= len(name) <= longest:
            return f"must be a string of 1 to {longest} characters in NFC"
        return _problem(name)

    return check


def plain_label(value: str) -> str | None:
    """A check for the label of a device: empty, or as a name."""
    return _plain_label(value) if value else None


def _problem(name: str) -> str | None:
    if name[0].isspace() or name[-1].isspace():
        return "must not begin or end with a space"
    if "  " in name:
        return "must not contain two spaces in a row"
    if _invisible.search(name) or any(unicodedata.category(c) in NOT_IN_NAMES for c in name):
        return "must not contain control or invisible characters"
    if unicodedata.category(name[0]).startswith("M"):
        return "must not begin with a combining mark"
    return None


LONGEST_LABEL = 64
"""Characters: the width of the column."""

_plain_label = plain_name(LONGEST_LABEL)
