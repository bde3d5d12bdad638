"""Texts for measuring the search: words with the frequencies of Zipf's law, in Chinese and English.

The words are invented, so that the texts belong to no author. A Chinese word has two characters out
of 2,500; an English one has two to ten letters. Half of the texts are Chinese, a third English, and
the rest mixed.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate

WORDS = 20_000
"""Words of each language."""

FIRST_IDEOGRAPH, IDEOGRAPHS = 0x4E00, 2500

_ONSETS = (
    "",
    "b",
    "c",
    "ch",
    "d",
    "f",
    "g",
    "h",
    "j",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "st",
    "t",
    "w",
)
_VOWELS = ("a", "e", "i", "o", "u", "ea", "ou")
_ENDS = ("", "n", "r", "s", "t", "l", "ck", "ng")


class Texts:
    """Makes the same texts from the same seed. One thread.

    Attributes:
        chinese, english: the words, the most frequent ones first.
    """

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.chinese = self._distinct(self._chinese_word)
        self.english = self._distinct(self._english_word)
        self._weights = list(accumulate(1 / (rank + 8) for rank in range(WORDS)))

    def next(self) -> str:
        """A text of two to 24 words."""
        size = min(2 + int(self._random.expovariate(1 / 6)), 24)
        kind = self._random.random()
        if kind < 0.5:
            return "".join(self._pick(self.chinese) for _ in range(size)) + "。"
        if kind < 0.85:
            return " ".join(self._pick(self.english) for _ in range(size))
        mixed = [self._pick(self._random.choice((self.chinese, self.english))) for _ in range(size)]
        return " ".join(mixed)

    def _pick(self, words: list[str]) -> str:
        return words[bisect(self._weights, self._random.random() * self._weights[-1])]

    def _distinct(self, make: Callable[[], str]) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < WORDS:
            found[make()] = None
        return list(found)

    def _chinese_word(self) -> str:
        skewed = (int(IDEOGRAPHS * self._random.random() ** 2) for _ in range(2))
        return "".join(chr(FIRST_IDEOGRAPH + number) for number in skewed)

    def _english_word(self) -> str:
        choose = self._random.choice
        parts = [
            choose(_ONSETS) + choose(_VOWELS) + choose(_ENDS)
            for _ in range(choose((1, 1, 2, 2, 3)))
        ]
        return "".join(parts)
