"""Fits the number of connections to the number of file descriptors that the process may open.

Some descriptors stay free for the database and the bus. Without them a server could still serve its
connections, but it could not replace a lost connection to the database or the bus.
"""

from __future__ import annotations

import logging
import resource

log = logging.getLogger(__name__)

SPARE_FILES = 160
"""Descriptors for everything but clients: 64 for the database, the bus, loops and standard streams,
and 96 for connections that are being closed or refused."""

FILES_PER_WORKER = 2
"""Each worker may use a database connection, for which SQLite opens two files."""


def fit_file_limit(connections: int, workers: int) -> int:
    """Raise the limit to the number of descriptors that the connections need.

    ``workers``: the threads that use the database. Returns ``connections``, or a smaller number
    if the hard limit does not allow so many; then it logs a warning.
    """
    spare = SPARE_FILES + FILES_PER_WORKER * workers
    allowed = raise_file_limit(connections + spare)
    most = max(allowed - spare, allowed // 2)
    if most >= connections:
        return connections
    log.warning(
        "open files are limited to %d: at most %d connections instead of %d; raise the limit "
        "(ulimit -n, or LimitNOFILE in the unit) to %d",
        allowed,
        most,
        connections,
        connections + spare,
    )
    return most


def raise_file_limit(wanted: int) -> int:
    """Raise the soft limit to ``wanted``, or to the hard limit; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
