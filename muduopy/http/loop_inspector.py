"""LoopInspector: the page about event loops, ``/loops`` of the Inspector."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from muduopy.event_loop import EventLoop

HEADINGS = ("loop", "passes", "queued", "connections", "busy", "answers in")


@dataclass(slots=True)
class _Watched:
    loop: EventLoop
    looked_at: float  # time of the last look, monotonic seconds
    busy_seconds: float | None  # the loop's counter at that time


@dataclass(slots=True)
class _Ping:
    """A queued function that measures how soon a loop runs it."""

    sent: float = field(default_factory=time.monotonic)
    answered: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def answer(self) -> None:
        """In the loop."""
        self.answered = time.monotonic()
        self.done.set()


class LoopInspector:
    """Watches loops from other threads. It does not own them. All methods: any thread.

    It reads a loop's counters directly. Only the loop's thread writes them, and each is one number,
    so a value is at worst out of date. To measure the delay of a loop's queue, it queues a function
    in each loop, and then waits for all of them.
    """

    def __init__(self, ask_seconds: float) -> None:
        """``ask_seconds``: the time to wait for loops that do not answer."""
        self._ask_seconds = ask_seconds
        self._watched_lock = threading.Lock()  # guards _watched and its values
        self._watched: dict[str, _Watched] = {}

    def watch(self, name: str, loop: EventLoop) -> None:
        """Add a loop, or replace the loop of that name."""
        watched = _Watched(loop, time.monotonic(), _busy_seconds(loop))
        with self._watched_lock:
            self._watched[name] = watched

    def unwatch(self, name: str) -> None:
        """Forget a loop. Idempotent."""
        with self._watched_lock:
            self._watched.pop(name, None)

    def overview(self, method: str, arguments: Sequence[str]) -> str:
        """The page. Not in a watched loop's thread, as that loop could not answer."""
        with self._watched_lock:
            watched = dict(self._watched)
        if not watched:
            return "no loops are watched\n"
        pings = {name: _Ping() for name in watched}
        for name, one in watched.items():
            one.loop.queue_in_loop(pings[name].answer)
        deadline = time.monotonic() + self._ask_seconds
        for ping in pings.values():
            ping.done.wait(max(0.0, deadline - time.monotonic()))
        rows = [HEADINGS, *(self._row(name, one, pings[name]) for name, one in watched.items())]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "".join(_line(row, widths) for row in rows)

    def _row(self, name: str, watched: _Watched, ping: _Ping) -> tuple[str, ...]:
        loop = watched.loop
        answer = f"not in {self._ask_seconds:g} s"
        if ping.done.is_set():
            answer = f"{(ping.answered - ping.sent) * 1000:.1f} ms"
        return (
            name,
            str(loop.iterations),
            str(loop.queue_size),
            str(loop.connections),
            self._share_busy(watched),
            answer,
        )

    def _share_busy(self, watched: _Watched) -> str:
        """The share of the time since the last look that the loop did not spend in poll."""
        now, busy = time.monotonic(), _busy_seconds(watched.loop)
        with self._watched_lock:
            before, elapsed = watched.busy_seconds, now - watched.looked_at
            watched.looked_at, watched.busy_seconds = now, busy
        if busy is None or before is None or elapsed <= 0:
            return "-"
        return f"{min(1.0, (busy - before) / elapsed):.1%}"


def _busy_seconds(loop: EventLoop) -> float | None:
    """The loop's counter; None if this kind of loop has none."""
    busy: float | None = loop.busy_seconds
    return busy


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    name, *numbers = (
        cell.ljust(width) if index == 0 else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([name, *numbers]) + "\n"
