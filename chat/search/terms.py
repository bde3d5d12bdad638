"""Terms: the parts of folded texts that filters hold.

A text has these terms: the beginnings of its words, at some lengths; of other runs of characters
each character and each pair of neighbours. ``of_query`` gives terms that each matching text has.
So a filter without one of them needs no look at the texts behind it.

    of_text("hello 北京!")  {"h", "he", "hel", "hell", "北", "京", "!", "北京", "京!"}
    of_query("hel")        ["hel", "he", "h"]
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain, pairwise, zip_longest

from chat.search.query import Query, word_pattern

PREFIXES = (1, 2, 3, 4, 6, 9, 14)
"""Lengths of the beginnings of a word. With more of them a filter would fill sooner."""


MOST = 4
"""Terms of a query. Further ones cost more rows than they save."""


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
    """Terms of each text that matches: of each word in turn the rarest one that is left.

    The length of a term tells how rare it is.
    """
    words: list[list[str]] = []
    for word in query.words:
        terms: set[str] = set()
        for match in _run_pattern().finditer(word):
            terms.update(_parts(match.group(), is_word=match.group(1) is not None))
        words.append(sorted(terms, key=lambda term: (_commonness(term), term)))
    turns = chain.from_iterable(zip_longest(*words))
    return list(dict.fromkeys(term for term in turns if term))[:MOST]


def _parts(run: str, *, is_word: bool) -> list[str]:
    """The terms of one word, or of one run of other characters."""
    if is_word:
        length = len(run)
        return [run[:size] for size in PREFIXES if size <= length]
    return [*run, *map("".join, pairwise(run))]


def _commonness(term: str) -> int:
    """Pairs of ideographs are about as rare as words of four letters."""
    return -len(term) if term.isascii() else -2 * len(term)
