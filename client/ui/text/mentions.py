"""Mentions: whether a message names a user. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_ALL_MEMBERS = ("all", "everyone", "所有人", "全体成员")


@lru_cache(maxsize=16)
def finder(name: str) -> Callable[[str], object]:
    """A search for a name in any case, with or without an @, and for ``@all``.

    A Latin name matches whole words: "Ann" does not match "planning". Chinese has no spaces
    between words, so a Chinese name matches anywhere.
    """
    patterns = ["@(?:" + "|".join(_ALL_MEMBERS) + r")(?!\w)"]
    if name.strip():
        before = r"(?<![a-zA-Z0-9_])" if name[0].isascii() else ""
        after = r"(?![a-zA-Z0-9_])" if name[-1].isascii() else ""
        patterns.append(before + re.escape(name) + after)
    return re.compile("|".join(patterns), re.IGNORECASE).search


def mentions(text: str, name: str) -> bool:
    """Whether a text names the user with this name."""
    return finder(name)(text) is not None
