"""NoticeTimer: removes a notice some seconds after its first drawing."""

from __future__ import annotations

import asyncio

from client.ui.commands.terminal import Terminal
from client.ui.model.screen_state import Notice, ScreenState


class NoticeTimer:
    """Times each notice once; those that stay are left alone. The terminal's thread."""

    def __init__(self, state: ScreenState, terminal: Terminal, seconds: float) -> None:
        self._state = state
        self._terminal = terminal
        self._seconds = seconds
        self._timed: Notice | None = None

    def before_drawing(self) -> None:
        """Start the time of a notice that is drawn for the first time."""
        notice = self._state.notice
        if notice is self._timed:
            return
        self._timed = notice
        if notice is not None and not notice.stays:
            asyncio.get_running_loop().call_later(self._seconds, self._remove, notice)

    def _remove(self, notice: Notice) -> None:
        if self._state.notice is notice:
            self._state.notice = None
            self._terminal.redraw()
