"""The Range field of RFC 9110, section 14. Pure functions; any thread."""

from __future__ import annotations

import re
from itertools import pairwise

MAX_RANGES = 16
"""A request for more ranges gets the whole file, as RFC 9110 allows. Real clients ask for a few."""

_parse_range = re.compile(r"(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))").fullmatch


def parse_ranges(field: str, size: int) -> list[tuple[int, int]] | None:
    """The satisfiable ranges as (offset, count), in the order of the field; [] if none is.

    None if the field has to be ignored: it is wrong, has another unit, too many ranges, or ranges
    that overlap. ``size``: that of the file in bytes.
    """
    unit, equals, specs = field.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return None
    parts = [part.strip(" \t") for part in specs.split(",")]
    parts = [part for part in parts if part]
    if not 0 < len(parts) <= MAX_RANGES:
        return None
    ranges = []
    for part in parts:
        found = _parse_range(part)
        if found is None:
            return None
        first, last, suffix = found.groups()
        if suffix is not None:
            start, end = max(0, size - int(suffix)), size
        else:
            start, end = int(first), size
            if last is not None:
                if int(last) < start:
                    return None
                end = min(size, int(last) + 1)
        if start < end:
            ranges.append((start, end - start))
    return None if _overlap(ranges) else ranges


def _overlap(ranges: list[tuple[int, int]]) -> bool:
    ordered = sorted(ranges)
    return any(start + count > following for (start, count), (following, _) in pairwise(ordered))
