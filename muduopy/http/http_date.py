"""The Date field of an answer."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache


def http_date() -> str:
    """The present time in HTTP's format. Any thread."""
    return _date_of(int(time.time()))


@lru_cache(maxsize=1)
def _date_of(second: int) -> str:
    return formatdate(second, usegmt=True)
