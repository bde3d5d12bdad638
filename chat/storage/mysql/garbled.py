"""Finds texts that were written in one encoding and read in another, and restores them.

Most clones of the original announce GBK (``set names gbk``) and send UTF-8. The database then reads
the bytes of 李四 as GBK, and stores the three characters 鏉庡洓. Other clones announce nothing; the
database reads their bytes as Latin-1 and stores Ã© for é. To restore a text, write it in the wrong
encoding and read the bytes as UTF-8.

The bytes of a correctly stored Chinese text are seldom valid UTF-8, but they can be: 谢 alone gives
л. So a text counts as garbled only with three signs together:

1. The bytes are UTF-8, of two characters or more besides ASCII.
2. The restored text has common characters only (GB 2312, kana, emoji, ASCII).
3. The stored text has a character outside GB 2312, the set in common use in China. UTF-8 that was
   read as GBK nearly always has some, such as 鏉.

A text in UTF-8 without all three signs is in doubt. Of 300,000 random names of common characters
none has the second sign. So if only other signs are missing, the rest of the database decides: see
``chat.storage.mysql.original``.

A character has two bytes in GBK and three in UTF-8. So the last byte of a text may be lost: 王小明
became 鐜嬪皬鏄?, or 鐜嬪皬鏄 on MySQL, which drops the byte. The rest is restored, with U+FFFD
for the last character. Without the ``?`` it is restored only with all three signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

HOLE = "\ufffd"

_BEGUN = rb"[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2}"
_hole = re.compile(rb"(?:%b)\?[\x80-\xbf]{0,2}" % _BEGUN)
"""A character in UTF-8 with a ``?`` for one of its bytes, and perhaps bytes after that."""

_cut = re.compile(rb"(?:%b)\Z" % _BEGUN)
"""An incomplete character in UTF-8 at the end of a text."""

EMOJI = ((0x2600, 0x27BF), (0x1F000, 0x1FAFF), (0xFE0F, 0xFE0F), (0x200D, 0x200D))

FIRST_ASIAN = 0x2000
"""Below it are Greek and Cyrillic (л, see above). GB 2312 has them, too."""


class Verdict(Enum):
    """The verdicts on a stored text."""

    RIGHT = "the stored text is the right one"
    SILENT = "ASCII, which all these encodings share"
    GARBLED = "it was read in the wrong encoding"
    IN_DOUBT = "it may have been read in the wrong encoding"
    DAMAGED = "bytes of it were lost"


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text of the database, and its bytes in two encodings. None: not possible in it."""

    text: str
    gbk: bytes | None
    latin1: bytes | None


@dataclass(frozen=True, slots=True)
class Reading:
    """The verdict on a stored text. ``restored``: the text in UTF-8, or None."""

    verdict: Verdict
    restored: str | None = None


def read_stored(stored: StoredText) -> Reading:
    """Judge one text. Pure."""
    if stored.text.isascii():
        return Reading(Verdict.SILENT)
    restored = _as_utf8(stored.gbk)
    if restored is not None and _length(restored) < max(1, restored.count(HOLE)):
        return Reading(Verdict.RIGHT if _is_gb2312(stored.text) else Verdict.DAMAGED)
    if restored is not None:
        sure = _is_sure(stored.text, restored)
        return Reading(Verdict.GARBLED if sure else Verdict.IN_DOUBT, restored)
    restored = _as_utf8(stored.gbk and _cut.sub(HOLE.encode(), stored.gbk))
    if restored is not None and _is_sure(stored.text, restored):
        return Reading(Verdict.GARBLED, restored)
    restored = _as_utf8(stored.latin1)
    if restored is not None:  # a pair such as Ã© is never a correct text
        return Reading(Verdict.GARBLED, restored)
    return Reading(Verdict.RIGHT)


def _is_sure(text: str, restored: str) -> bool:
    """True if the text has all three signs."""
    return _length(restored) > 1 and is_common(restored) and not _is_gb2312(text)


def is_common(text: str) -> bool:
    """True if all characters are in common use in China."""
    return all(
        char.isascii()
        or char == HOLE
        or (ord(char) >= FIRST_ASIAN and _in_gb2312(char))
        or any(first <= ord(char) <= last for first, last in EMOJI)
        for char in text
    )


def _is_gb2312(text: str) -> bool:
    return all(char.isascii() or _in_gb2312(char) for char in text)


def _in_gb2312(char: str) -> bool:
    try:
        char.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _as_utf8(raw: bytes | None) -> str | None:
    """The bytes read as UTF-8, with HOLE for lost bytes; None if they are no UTF-8."""
    if raw is None:
        return None
    try:
        return _hole.sub(HOLE.encode(), raw).decode()
    except UnicodeDecodeError:
        return None


def _length(text: str) -> int:
    """The number of characters besides ASCII and holes."""
    return sum(not char.isascii() and char != HOLE for char in text)
