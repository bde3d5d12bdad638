"""LogNotices: the client's log warnings as notices, since log lines would disturb the screen."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from client.errors import ClosedError
from client.ui.commands.terminal import Terminal
from client.ui.model.screen_state import ScreenState
from client.ui.text.cells import one_line


class LogNotices(logging.Handler):
    """A log handler for any thread. Without a terminal it prints to standard error."""

    def __init__(self, terminal: Terminal, state: ScreenState) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal
        self._state = state

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record."""
        text = one_line(record.getMessage())
        try:
            self._terminal.call_soon(self._show, text)
        except ClosedError:
            print(text, file=sys.stderr)

    def _show(self, text: str) -> None:
        self._state.say(text, failed=True)


@contextmanager
def warnings_to(handler: LogNotices) -> Iterator[None]:
    """Send the log records of the package ``client`` to this handler alone."""
    logger = logging.getLogger("client")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
