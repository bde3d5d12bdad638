"""Terms: the parts of folded texts that filters hold.

A text has these terms: the beginnings of its words, at some lengths; of other runs of characters
each character and each pair of neighbours. ``of_query`` gives terms that each matching text has.
So a filter without one of them needs no look at the texts behind it. Common terms are among them,
too, because each one halves the wrong answers of filters at least.

    of_text("hello 北京!")  {"h", "he", "hel", "hell", "北", "京", "!", "北京", "京!"}
    of_query("hel")        ["hel", "he", "h"]
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise

from chat.search.query import Query, word_pattern

PREFIXES = (1, 2, 3, 4, 6, 9, 14)
"""Lengths of the beginnings of a word. With more of them a filter would fill sooner."""


@cache
def _run_pattern() -> re.Pattern[str]:
    """A word (group 1), or a run of other characters without blanks."""
    word = word_pattern().pattern
    return re.compile(f"({word})|(?:(?!{word})\\S)+")


def of_text(folded: str) -> set[str]:
    """All terms of a folded text."""
    found: set[str] = set()
    for match in _run_pattern().finditer(folded):
        found.update(_parts(match.group(), is_word=match.group(1) is not None))
    return found


def of_query(query: Query) -> list[str]:
    """Terms of each text that matches, the rarest first as far as their length tells."""
    found: dict[str, None] = {}
    for word in query.words:
        for match in _run_pattern().finditer(word):
            run = match.group()
            found |= dict.fromkeys(_parts(run, is_word=match.group(1) is not None))
    return sorted(found, key=_commonness)


def _parts(run: str, *, is_word: bool) -> list[str]:
    """The terms of one word, or of one run of other characters."""
    if is_word:
        length = len(run)
        return [run[:size] for size in PREFIXES if size <= length]
    return [*run, *map("".join, pairwise(run))]


def _commonness(term: str) -> int:
    """Pairs of ideographs are about as rare as words of four letters."""
    return -len(term) if term.isascii() else -2 * len(term)
