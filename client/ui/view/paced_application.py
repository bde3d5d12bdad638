"""PacedApplication: prompt_toolkit's Application, drawn at most so often.

prompt_toolkit's own ``min_redraw_interval`` and ``max_render_postpone_time`` compare wall-clock
times: a clock that is set back by a minute stops the drawing for a minute. So both are off, and
the pace is kept here by the event loop's clock, which is monotonic.
"""

from __future__ import annotations

from typing import Any, TypeVar

from prompt_toolkit.application import Application

T = TypeVar("T")

REDRAW_SECONDS = 0.02
"""The screen is drawn at most so often: a flood of messages must not keep keys waiting."""


class PacedApplication(Application[T]):
    """An Application whose drawings are at least ``REDRAW_SECONDS`` apart. The loop's thread."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_redraw_interval=None, max_render_postpone_time=None, **options)
        self._asked_at = float("-inf")  # the loop's time of the last drawing that was asked for
        self._is_waiting = False

    def invalidate(self) -> None:
        """Draw what has changed, soon."""
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
