"""PacedApplication: prompt_toolkit's Application with a limited redraw rate.

prompt_toolkit's own limits, ``min_redraw_interval`` and ``max_render_postpone_time``, compare
wall-clock times. Example: the clock is set back by a minute; then nothing is drawn for a minute.
So both are off, and the limit here uses the monotonic clock of the event loop.
"""

from __future__ import annotations

from typing import Any, TypeVar

from prompt_toolkit.application import Application

T = TypeVar("T")

REDRAW_SECONDS = 0.02
"""The least pause between two drawings. A flood of messages then leaves time for keys."""


class PacedApplication(Application[T]):
    """An Application that draws once in ``REDRAW_SECONDS`` at most. The loop's thread."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_redraw_interval=None, max_render_postpone_time=None, **options)
        self._asked_at = float("-inf")  # the loop's time of the last request to draw
        self._is_waiting = False

    def invalidate(self) -> None:
        """Request a drawing."""
        loop = self.loop
        if self._is_waiting or loop is None or loop.is_closed() or not self.is_running:
            return
        wait = self._asked_at + REDRAW_SECONDS - loop.time()
        if wait > 0:
            self._is_waiting = True
            loop.call_later(wait, self._draw_soon)
        else:
            self._draw_soon()

    def _draw_soon(self) -> None:
        self._is_waiting = False
        if self.loop is not None:
            self._asked_at = self.loop.time()
            super().invalidate()
