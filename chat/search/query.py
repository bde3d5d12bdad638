"""Query: the words that a user searches for, and where they stand in a text.

A text matches if each word of the query stands in it, in any order. A word stands where its folded
characters (folding.py) do, with one rule for scripts that put blanks between words: there it stands
at the beginning of a word only. So "serv" finds "server" and "my-server", and not "observe"; and
"北京" finds "我在北京工作". Chinese, Japanese, Korean, Thai, Lao, Khmer, Burmese and Tibetan, emoji
and punctuation count as without blanks.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

from chat.search.folding import fold, places

DENSE = (
    "\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007"
    "\u3021-\u3029\u3031-\u303c\u3040-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf"
    "\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff\uf900-\ufaff"
    "\U00016fe0-\U00018fff\U0001aff0-\U0001b2ff\U00020000-\U0003ffff"
)
"""Scripts without blanks between words, as ranges of a regular expression. Korean has blanks, but a
word carries its particles with it, and a compound its parts."""

_LAST_MARK = 0xABFF
"""Beyond it there are marks of rare scripts only. They count as punctuation."""

MAX_MARKS = 100
"""Marks in one text."""

Mark = tuple[int, int]
"""The first character of a match, and the one behind it: code points of the text."""


@cache
def word_pattern() -> re.Pattern[str]:
    """Matches a run of characters of scripts with blanks: letters, digits, and their marks."""
    dense = re.compile(f"[{DENSE}]")
    marks = "".join(
        character
        for character in map(chr, range(min(_LAST_MARK, sys.maxunicode)))
        if unicodedata.category(character)[0] == "M" and not dense.match(character)
    )
    return re.compile(f"(?:[^\\W_{DENSE}]|[{marks}])+")


def is_word(text: str) -> bool:
    """Does the text begin with a character of a script with blanks?"""
    return word_pattern().match(text) is not None


class Query:
    """The words of a search. Immutable; any thread.

    Attributes:
        words: folded, without repetitions. There is one at least, if the text had one.
    """

    def __init__(self, text: str) -> None:
        self.words = tuple(dict.fromkeys(fold(text).split()))
        self._only_starts = tuple(map(is_word, self.words))

    def matches(self, text: str) -> bool:
        """Does each word stand in the text?"""
        folded = fold(text)
        for word, only_starts in zip(self.words, self._only_starts, strict=True):
            place = folded.find(word)
            if place < 0:
                return False
            if only_starts and place and next(_starts(folded, word), None) is None:
                return False
        return True

    def marks(self, text: str) -> list[Mark]:
        """Where the words stand in the text, in order, at most MAX_MARKS; none overlap."""
        folded, at = fold(text), places(text)
        found = sorted(
            (start, start + len(word)) for word in self.words for start in _starts(folded, word)
        )
        marks: list[Mark] = []
        if at is not None:
            found = [(at[first], _end(at, behind)) for first, behind in found]
        for first, behind in found:
            if marks and first <= marks[-1][1]:
                marks[-1] = (marks[-1][0], max(marks[-1][1], behind))
            elif len(marks) < MAX_MARKS:
                marks.append((first, behind))
        return marks


def _end(at: list[int], behind: int) -> int:
    """The end in the text of a match that ends before ``behind`` in the folded text.

    A match that ends within a piece covers the whole piece: "f" in the ligature "ﬀ" marks it all.
    """
    last = at[behind - 1]
    while at[behind] == last:
        behind += 1
    return at[behind]


def _starts(folded: str, word: str) -> Iterator[int]:
    """Where a word stands in a folded text, without overlaps."""
    anywhere = not is_word(word)
    start = folded.find(word)
    while start >= 0:
        if anywhere or start == 0 or not is_word(folded[start - 1]):
            yield start
            start = folded.find(word, start + len(word))
        else:
            start = folded.find(word, start + 1)
