"""LoopThread: an EventLoop as its own parts see it, so that they need not import it."""

from __future__ import annotations

from typing import Protocol


class LoopThread(Protocol):
    """A thread that runs a loop. EventLoop has these members, and documents them."""

    thread_id: int
    iterations: int

    @property
    def in_callbacks(self) -> bool: ...

    @property
    def is_in_loop_thread(self) -> bool: ...

    def assert_in_loop_thread(self) -> None: ...

    def contain(self, exc: BaseException, what: str, *args: object) -> None: ...
