"""Does a message name somebody? Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_EVERYBODY = ("all", "everyone", "所有人", "全体成员")


@lru_cache(maxsize=16)
def finder(name: str) -> Callable[[str], object]:
    """A search for a name in texts, alone or after an @, whatever the case; and for ``@all``.

    A Latin name must stand by itself: "Ann" is not in "planning". In Chinese there are no gaps
    between words, so there a name is found anywhere.
    """
    patterns = ["@(?:" + "|".join(_EVERYBODY) + r")(?!\w)"]
    if name.strip():
        before = r"(?<![a-zA-Z0-9_])" if name[0].isascii() else ""
        after = r"(?![a-zA-Z0-9_])" if name[-1].isascii() else ""
        patterns.append(before + re.escape(name) + after)
    return re.compile("|".join(patterns), re.IGNORECASE).search


def mentions(text: str, name: str) -> bool:
    """Whether a text names this user."""
    return finder(name)(text) is not None
