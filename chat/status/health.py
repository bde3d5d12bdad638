"""Health: the reasons why a server should be restarted, and why it should get no new clients."""

from __future__ import annotations

import time

from chat.status.watched import Watched

STUCK_SECONDS = 5.0
"""A loop without a beat for so long is stuck. It beats four times a second."""


def stuck_loops(watched: Watched) -> list[str]:
    """``/healthz``: the names of the loops that do not run. Any thread."""
    now = time.monotonic()
    found = []
    for name, lag in list(watched.lags.items()):
        silent = now - lag.beat_at
        if silent > STUCK_SECONDS:
            found.append(f"loop {name} has been stuck for {silent:.0f} s")
    return found


def troubles(watched: Watched) -> dict[str, str]:
    """``/readyz``: the trouble of each kind, such as "database"; "" if there is none. Any thread.

    A kind that does not concern this server is absent: a server that is alone has no lease.
    """
    found = {
        "loops": "; ".join(stuck_loops(watched)),
        "serving": _serving(watched),
        "database": watched.samples.trouble,
        "bus": "" if watched.bus.healthy else "the bus receives nothing from the other servers",
    }
    lease = watched.lease
    if lease is not None:
        found["lease"] = "" if lease.held else "the lease has run out, or is another server's"
    return found


def _serving(watched: Watched) -> str:
    if watched.stopping():
        return "the server is draining"
    return "" if watched.lags else "the server is starting"
