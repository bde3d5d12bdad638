"""Fits the number of connections to the descriptors that this process may have.

A server without free descriptors can serve its connections, but cannot connect again to a database
or a bus that it has lost. So some descriptors are kept free.
"""

from __future__ import annotations

import logging
import resource
from dataclasses import replace

from chat.config import ServerConfig
from chat.request_workers import hash_threads

log = logging.getLogger(__name__)

SPARE_FILES = 64
"""Descriptors besides connections: database, bus, loops, standard streams."""

FILES_PER_WORKER = 2
"""A database connection: SQLite has two files for each."""


def fit_file_limit(config: ServerConfig) -> ServerConfig:
    """Allow as many descriptors as the connections need, or fewer connections if need be."""
    spare = SPARE_FILES + FILES_PER_WORKER * (config.workers + hash_threads(config.hash_threads))
    allowed = raise_file_limit(config.max_connections + spare)
    most = max(allowed - spare, allowed // 2)
    if most >= config.max_connections:
        return config
    log.warning(
        "open files are limited to %d: at most %d connections instead of %d; raise the limit "
        "(ulimit -n, or LimitNOFILE in the unit) to %d",
        allowed,
        most,
        config.max_connections,
        config.max_connections + spare,
    )
    return replace(config, max_connections=most)


def raise_file_limit(wanted: int) -> int:
    """Allow as many descriptors as are wanted, or as the hard limit permits; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= allowed:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed
