"""Hand work to several event loops, with one queued call for each loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from muduopy import EventLoop

T = TypeVar("T")


def queue_in_loops(call: Callable[[T], object], shares: Mapping[EventLoop, T]) -> None:
    """Queue ``call(share)`` in each loop that has a share. Any thread; returns at once."""
    for loop, share in shares.items():
        loop.queue_in_loop(partial(call, share))
