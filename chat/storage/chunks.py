"""Cuts rows into chunks of few sizes, so that few statements serve all numbers of rows. Pure."""

from __future__ import annotations


def bounds_of_chunks(count: int, sizes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """The first row and the end of each chunk of ``count`` rows.

    ``sizes``: of chunks, in falling order; the last is 1.
    """
    bounds = []
    start = 0
    for size in sizes:
        while count - start >= size:
            bounds.append((start, start + size))
            start += size
    return tuple(bounds)
