"""Fuzzy matching: names that contain some letters in their order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")

_GAP = 2
_LATE_START = 1


def rank(query: str, text: str) -> int | None:
    """The rank of a match, 0 for the best; None without the letters of the query in their order.

    Adjacent letters rank before scattered ones, and an early start before a late one.
    """
    wanted, found = query.casefold(), text.casefold()
    if not wanted:
        return 0
    whole = found.find(wanted)
    if whole >= 0:
        return whole * _LATE_START
    position = found.find(wanted[0])
    if position < 0:
        return None
    badness = len(found) + position * _LATE_START
    for letter in wanted[1:]:
        following = found.find(letter, position + 1)
        if following < 0:
            return None
        badness += (following - position - 1) * _GAP
        position = following
    return badness


def matches(query: str, items: Iterable[T], text_of: Callable[[T], str]) -> list[T]:
    """The items that match, the best first; items of equal rank keep their order."""
    ranked = []
    for item in items:
        badness = rank(query, text_of(item))
        if badness is not None:
            ranked.append((badness, item))
    ranked.sort(key=lambda pair: pair[0])
    return [item for _, item in ranked]
