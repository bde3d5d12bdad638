"""SessionTimer: one timer of a loop that may run earlier than asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muduopy.event_loop import EventLoop
    from muduopy.timer_queue import Timer


class SessionTimer:
    """Runs a callback at the next deadline, or before it. Loop thread.

    A timer that would run too early stays as it is, because a needless run costs less than a move
    of the timer with every request. The callback finds out what is due, and arms it again.
    """

    __slots__ = ("_callback", "_loop", "_timer")

    def __init__(self, loop: EventLoop, callback: Callable[[], object]) -> None:
        self._loop = loop
        self._callback = callback
        self._timer: Timer | None = None

    def arm(self, when: float | None) -> None:
        """Run at this time, in monotonic seconds, or before it; None needs no run."""
        timer = self._timer
        if when is None or (timer is not None and timer.when <= when):
            return
        if timer is not None:
            self._loop.cancel(timer)
        self._timer = self._loop.run_at(when, self._run)

    def cancel(self) -> None:
        """Do not run. Idempotent."""
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None

    def _run(self) -> None:
        self._timer = None
        self._callback()
