"""The times on the wire: text, in UTC. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_exact = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d").fullmatch


def parse_time(text: str) -> datetime | None:
    """Parse a time as the server writes it; returns it aware, in UTC. None for another text.

    Old histories have such texts, because clients of the original could send any text as time.
    """
    if not (text.isascii() and _exact(text)):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:  # the 31st of February
        return None
