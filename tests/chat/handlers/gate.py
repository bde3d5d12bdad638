"""Gate: holds a request inside its worker until the test opens it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from chat.handlers import Context, Request
from tests.chat.loopkit import WAIT


class Gate:
    """Wraps a worker handler; waits when that has done its work."""

    def __init__(self, handler: Callable[[Context, Request[Any]], Any]) -> None:
        self._handler = handler
        self._inside = threading.Semaphore(0)
        self._opened = threading.Event()

    def __call__(self, ctx: Context, request: Request[Any]) -> Any:
        result = self._handler(ctx, request)
        self._inside.release()
        assert self._opened.wait(WAIT)
        return result

    def entered(self) -> None:
        """Wait until a request is inside."""
        assert self._inside.acquire(timeout=WAIT)

    def has_entered(self) -> bool:
        """Is one? For requests that the loop has yet to hand to the workers."""
        return self._inside.acquire(blocking=False)

    def open(self) -> None:
        self._opened.set()
