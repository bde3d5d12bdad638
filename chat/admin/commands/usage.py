"""Commands that show the load of this server: worker thread."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import CancelledError, Future, wait
from functools import partial
from typing import Any, TypeVar

from chat.admin.commands.pages import limit_of
from chat.admin.context import AdminContext
from chat.admin.errors import AdminError
from chat.admin.request import AdminRequest
from chat.connection.usage import Reading, between, read_counters

T = TypeVar("T")

SLICE = 500
"""Connections that a loop reads at once, so that 10,000 do not hold it up."""

MAX_SECONDS = 10
DEFAULT_SECONDS = 2
DEFAULT_ROWS = 20
LOOP_SECONDS = 5.0
"""How long a loop may take to answer."""

HOLDERS = 100
"""Addresses with most connections, of which the largest count is shown."""

_one_at_a_time = threading.Lock()  # held by the command ``top`` that runs, which takes seconds


def top(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """The connections that have sent most within some seconds. Arguments: seconds, limit.

    It occupies one of the threads for commands; the other one is for all other commands.
    """
    limit, seconds = limit_of(request, DEFAULT_ROWS), request.number("seconds", DEFAULT_SECONDS)
    if not 0 < seconds <= MAX_SECONDS:
        raise AdminError(f"seconds: must be from 1 to {MAX_SECONDS}")
    if not _one_at_a_time.acquire(blocking=False):
        raise AdminError("another top is running; try again when it has ended")
    try:
        first = _read(ctx)
        threading.Event().wait(seconds)
        usages = between(first, _read(ctx))
    finally:
        _one_at_a_time.release()
    rows = [dataclasses.asdict(usage) for usage in usages[:limit]]
    return {"connections": rows, "seconds": seconds, "all": len(usages)}


def _read(ctx: AdminContext) -> Reading:
    """One reading of all loops, in slices: between two of them a loop serves its clients."""
    reading: dict[Any, Any] = {}
    for connections in _answers(ctx.server.ask_loops(list)):
        for start in range(0, len(connections), SLICE):
            part = connections[start : start + SLICE]
            for counters in _answers([part[0].loop.submit(partial(read_counters, part))]):
                reading.update(counters)
    return reading


def _answers(futures: list[Future[T]]) -> list[T]:
    """The results of loops. Raises AdminError if one is late, or the server stops."""
    _, late = wait(futures, LOOP_SECONDS)
    if late:
        raise AdminError(f"a loop has not answered for {LOOP_SECONDS:.0f} s; see the log")
    try:
        return [future.result() for future in futures]
    except CancelledError as exc:
        raise AdminError("the server is stopping") from exc


def show_limits(ctx: AdminContext, request: AdminRequest) -> dict[str, Any]:
    """The limits with their values, and the present use of those that count something."""
    config = ctx.reloading.config
    values = {f"limits.{key}": value for key, value in dataclasses.asdict(config.limits).items()}
    values["server.max_connections"] = config.server.max_connections
    use: dict[str, str] = {"server.max_connections": str(ctx.server.open)}
    for key, place in (("guests_per_address", 1), ("users_per_address", 2)):
        most = max(ctx.server.admission.holders(HOLDERS), key=lambda row: row[place], default=None)
        if most is not None:
            use[f"limits.{key}"] = f"{most[place]} of {most[0]}"
    rows = [
        {"name": name, "value": _value(value), "use": use.get(name)}
        for name, value in sorted(values.items())
    ]
    return {"limits": rows}


def _value(value: object) -> int | str | None:
    """A number, or a list as text; None for an empty one."""
    if isinstance(value, int):
        return value
    return (" ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)) or None
