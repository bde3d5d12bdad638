"""Checks of users' arguments. A wrong one raises at the call; the message names the remedy."""

from __future__ import annotations

import inspect
import math
from functools import partial
from typing import Any

NOT_RUN_BY_A_CALL = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR | inspect.CO_GENERATOR
"""The flags of functions whose call returns an object without running the body."""


def check_callback(callback: Any, what: str) -> None:
    """Raise TypeError unless it is a function that a call runs.

    ``async def`` functions and generators are refused: a call only makes an object, and the loop
    would not await it. ``what`` names the callback in the message. Any thread.
    """
    code = getattr(callback, "__code__", None)  # functions, lambdas and methods have it
    if code is None:
        if not callable(callback):
            raise TypeError(f"{what} must be a function, not {type(callback).__name__}")
        code = _code_of(callback)
        if code is None:
            return
    if code.co_flags & NOT_RUN_BY_A_CALL:
        kind = "a generator" if code.co_flags & inspect.CO_GENERATOR else "an async function"
        raise TypeError(
            f"{what} is {kind}, {code.co_qualname}: a call does not run it. Use a plain function; "
            "coroutines belong to asyncio (asyncio.run_coroutine_threadsafe)"
        )


def check_loop(loop: Any) -> None:
    """Raise TypeError unless it is an EventLoop. Any thread."""
    if not hasattr(loop, "queue_in_loop"):
        raise TypeError(f"a loop is an EventLoop, not {type(loop).__name__}")


def check_mark(mark: Any) -> None:
    """Raise TypeError unless it is a number of bytes, ValueError below 0. Any thread."""
    if not isinstance(mark, int | float):
        raise TypeError(f"a water mark is a number of bytes, not {type(mark).__name__}")
    if not mark >= 0:
        raise ValueError(f"a water mark of {mark} bytes must not be negative")


def check_seconds(seconds: Any, what: str) -> None:
    """Raise TypeError unless it is a number, ValueError for NaN. Any thread."""
    if not isinstance(seconds, int | float):
        raise TypeError(f"{what} is a number of seconds, not {type(seconds).__name__}")
    if math.isnan(seconds):
        raise ValueError(f"{what} is a number of seconds, not NaN")


def _code_of(callback: Any) -> Any:
    """The code of a partial's inner function, or of an object's ``__call__``."""
    while isinstance(callback, partial):
        callback = callback.func
    code = getattr(callback, "__code__", None)
    if code is None and not isinstance(callback, type):
        code = getattr(type(callback).__call__, "__code__", None)
    return code
