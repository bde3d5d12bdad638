"""Pages of long lists: an answer has at most a thousand rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest

MAX_ROWS = 1000
DEFAULT_ROWS = 100

T = TypeVar("T")


def limit_of(request: AdminRequest, default: int = DEFAULT_ROWS) -> int:
    """The argument ``limit``. Raises AdminError."""
    limit = request.number("limit", default)
    if not 0 < limit <= MAX_ROWS:
        raise AdminError(f"the number of rows must be from 1 to {MAX_ROWS}")
    return limit


def page(name: str, rows: Sequence[Any], limit: int) -> dict[str, Any]:
    """A page of ``rows``, which has one row more than ``limit`` if there are more.

    ``more``: the id after which the next page begins; None at the end.
    """
    shown = rows[:limit]
    more = shown[-1].id if len(rows) > limit else None
    return {name: [asdict(row) for row in shown], "more": more}
