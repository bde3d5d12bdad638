"""Inspection: the page ``/inspect``, a look inside the server as JSON.

It has no message, no password and no token. The addresses and numbers of users are in it.
"""

from __future__ import annotations

import dataclasses
import heapq
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

from chat.backends import mask
from chat.connection.connection import AnyConnection
from chat.status.health import troubles
from chat.status.watched import Watched
from chat.version import __version__
from muduopy import EventLoop, LoopError

ASK_SECONDS = 1.0
"""The wait for a loop's connections. A busy loop shows without them."""

MOST_SHOWN = 1000
"""Connections on one page."""


def inspect(watched: Watched, started_at: float, count: int) -> dict[str, Any]:
    """The page. ``count``: of the connections with the most bytes. Blocks, in no watched loop."""
    loops = {name: _loop(watched, name, loop) for name, loop in list(watched.loops.items())}
    busiest = _busiest(watched, min(count, MOST_SHOWN))
    use = watched.database.use
    return {
        "version": __version__,
        "node": watched.node,
        "uptime_seconds": round(time.monotonic() - started_at),
        "troubles": {kind: text for kind, text in troubles(watched).items() if text},
        "addresses": [str(address) for address in watched.server.addresses],
        "users_online": watched.logins.count,
        "loops": loops,
        "queues": {
            "commit": watched.commits.lengths._asdict(),
            "writer": use.waiting,
            "workers": watched.workers.queue_size,
            "hashers": watched.hashers.queue_size,
            "turns": watched.server.waiting_turns,
        },
        "database": {
            "connections": use.connections,
            "idle": use.idle,
            "failures": use.failures,
            "mailbox_rows": watched.samples.rows,
        },
        "bus": watched.bus.state,
        "connections": busiest,
        "settings": _settings(watched),
    }


def _loop(watched: Watched, name: str, loop: EventLoop) -> dict[str, Any]:
    lag = watched.lags[name]
    counters = watched.server.counters.get(loop)
    return {
        "passes": loop.iterations,
        "connections": loop.connections,
        "queued": loop.queue_size,
        "busy_seconds": round(loop.busy_seconds, 3),
        "mean_lag_ms": round(1000 * lag.seconds.total / max(lag.seconds.count, 1), 2),
        "census": counters.census._asdict() if counters is not None else None,
    }


def _busiest(watched: Watched, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for loop in list(watched.server.counters):
        try:
            found += loop.submit(partial(_top, watched, loop, count)).result(ASK_SECONDS)
        except (TimeoutError, LoopError, CancelledError):
            continue  # it shows in "loops" as busy, or it has ended
    return _most(found, count)


def _top(watched: Watched, loop: EventLoop, count: int) -> list[dict[str, Any]]:
    """In that loop."""
    return _most(map(_connection, watched.server.connections_in(loop)), count)


def _most(rows: Iterator[dict[str, Any]] | list[dict[str, Any]], count: int) -> list[Any]:
    return heapq.nlargest(count, rows, key=lambda row: row["received"] + row["sent"])


def _connection(connection: AnyConnection) -> dict[str, Any]:
    login, tcp = connection.login, connection.tcp
    return {
        "connection": connection.label.number,
        "peer": connection.peer,
        "user": None if login is None else login.user_id,
        "dialect": "v2" if connection.v2 else "classic",
        "received": tcp.bytes_received,
        "sent": tcp.bytes_sent,
        "waiting_output": tcp.output_bytes,
        "in_flight": connection.flow.in_flight,
        "silent_seconds": round(connection.loop.poll_return_time - connection.last_seen, 1),
    }


def _settings(watched: Watched) -> dict[str, Any]:
    settings = dataclasses.asdict(watched.config())
    for section in ("database", "bus"):
        settings[section]["url"] = mask(settings[section]["url"])
    return settings
