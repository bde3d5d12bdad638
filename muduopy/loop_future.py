"""LoopFuture: the future result of a function that runs in a loop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

from muduopy.errors import LoopError
from muduopy.loop_thread import LoopThread

T = TypeVar("T")


class LoopFuture(Future[T]):
    """Made by ``EventLoop.submit``. It does not own the loop. Any thread.

    In the loop's own thread ``result`` and ``exception`` raise LoopError until it is done, because
    the loop would wait for itself.
    """

    def __init__(self, loop: LoopThread, function: Callable[[], T]) -> None:
        super().__init__()
        self._loop = loop
        self._function = function
        self._context = copy_context()

    def run(self) -> None:
        """Run the function, unless the future was cancelled. Loop thread."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            result = self._context.run(self._function)
        except BaseException as exc:  # noqa: BLE001 - result() raises it
            self.set_exception(exc)
        else:
            self.set_result(result)

    def result(self, timeout: float | None = None) -> T:
        self._check_thread()
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._check_thread()
        return super().exception(timeout)

    def _check_thread(self) -> None:
        if self._loop.is_in_loop_thread and not self.done():
            raise LoopError("the loop would wait for itself: use add_done_callback()")
