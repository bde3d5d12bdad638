"""Fixtures for the chat server's tests. And for every test: nothing may leak, and nothing may
be logged as an error that the test did not expect.

``database`` is a new chat database of each back end in turn: what uses it is a conformance test
of the storage port. A new back end needs one line in ``BACK_ENDS``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.storage import Database
from chat.storage.sqlite.database import SqliteDatabase
from muduopy import EventLoop, ThreadPool
from tests.chat.loopkit import SCHEMA, WAIT, ErrorLog, FailingDatabase, Passes
from tests.chat.mariadbkit import mariadb
from tests.chat.nodekit import Node


def open_descriptors() -> dict[str, str]:
    """The open descriptors of this process and what each refers to."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that listed the directory
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return found


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Fails a test that leaves a descriptor open or a thread running."""
    descriptors, threads = open_descriptors(), set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in left:
        thread.join(WAIT)
    assert not [thread for thread in left if thread.is_alive()], "threads left running"
    leaked = {fd: what for fd, what in open_descriptors().items() if fd not in descriptors}
    assert not leaked, "descriptors left open"


@pytest.fixture(autouse=True)
def error_log(no_leaks: None) -> Iterator[ErrorLog]:
    handler = ErrorLog()
    loggers = [logging.getLogger(name) for name in ("chat", "muduopy")]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
    if not handler.expected:
        assert not handler.messages, "errors were logged"


@pytest.fixture
def errors(error_log: ErrorLog) -> ErrorLog:
    """For tests that provoke errors: they are allowed, and can be looked at."""
    error_log.expected = True
    return error_log


def new_sqlite(directory: Path) -> Database:
    return SqliteDatabase.open(directory / "chat.db", SCHEMA)


def new_mysql(directory: Path) -> Database:
    return mariadb().new_database()


BACK_ENDS: dict[str, Callable[[Path], Database]] = {"sqlite": new_sqlite, "mysql": new_mysql}


@pytest.fixture(scope="session", autouse=True)
def mariadb_stops() -> Iterator[None]:
    yield
    if mariadb.cache_info().currsize:
        mariadb().stop()


@pytest.fixture(params=BACK_ENDS)
def database(request: pytest.FixtureRequest, tmp_path: Path, no_leaks: None) -> Iterator[Database]:
    """An empty chat database."""
    database = BACK_ENDS[request.param](tmp_path)
    yield database
    database.close()


@pytest.fixture
def failing(database: Database) -> FailingDatabase:
    """The same database, to be broken by the test."""
    return FailingDatabase(database)


@pytest.fixture
def loop(no_leaks: None) -> Iterator[EventLoop]:
    """A loop that belongs to the test's own thread."""
    with EventLoop() as loop:
        yield loop


@pytest.fixture
def passes(loop: EventLoop) -> Passes:
    return Passes(loop)


@pytest.fixture
def workers(no_leaks: None) -> Iterator[ThreadPool]:
    pool = ThreadPool(2, "worker")
    yield pool
    pool.stop()


@pytest.fixture
def make_node(database: Database, passes: Passes) -> Iterator[Callable[..., Node]]:
    """Makes servers: ``make_node(mode=..., ...)``; see Node."""
    nodes: list[Node] = []

    def make(**options: Any) -> Node:
        nodes.append(Node(database, passes, **options))
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node()
