"""What the chat server's tests share: a loop in the test's own thread, waits, expected errors.

Time-outs are generous, because they matter only to a test that fails; nothing here sleeps.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from chat.storage import Database, StorageError, Transaction
from chat.storage.base import DatabaseUse, Done, Work
from muduopy import EventLoop

WAIT = 10.0
"""Seconds until a test that waits in vain fails."""

PROJECT = Path(__file__).parent.parent.parent
SCHEMA = PROJECT / "db" / "schema.sqlite.sql"

T = TypeVar("T")


class ErrorLog(logging.Handler):
    """What the server and its library logged as errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []
        self.expected = False

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        return [record.getMessage() for record in self.records]


class Passes:
    """Runs single passes of a loop that belongs to the test's own thread."""

    def __init__(self, loop: EventLoop) -> None:
        self.loop = loop

    def one(self) -> None:
        """One pass that does not sleep."""
        self.loop.queue_in_loop(_nothing)
        self.loop._one_pass()

    def until(self, condition: Callable[[], object], what: str = "the condition") -> None:
        """As many passes as it takes; asleep in between as the loop really is."""
        late: list[bool] = []
        guard = self.loop.run_after(WAIT, lambda: late.append(True))
        while not condition():
            assert not late, f"waited in vain for {what}"
            self.loop._one_pass()
        self.loop.cancel(guard)

    def settle(self) -> None:
        """Enough passes for the ready events, and for the calls that they queue."""
        for _ in range(5):
            self.one()


def _nothing() -> None:
    pass


class Outcomes:
    """Collects what ``Database.submit`` reports: ``(result, error)`` in order."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

    def __call__(self, result: Any, error: Exception | None) -> None:
        self._queue.put((result, error))

    def next(self) -> tuple[Any, Exception | None]:
        return self._queue.get(timeout=WAIT)

    def take(self, count: int) -> list[tuple[Any, Exception | None]]:
        return [self.next() for _ in range(count)]

    @property
    def waiting(self) -> int:
        return self._queue.qsize()


@contextmanager
def writer_held(database: Database) -> Iterator[None]:
    """Keeps the writer busy inside the block, so that submissions there gather."""
    entered, released = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        entered.set()
        assert released.wait(WAIT)

    finished = Outcomes()
    database.submit(hold, finished)
    assert entered.wait(WAIT)
    try:
        yield
    finally:
        released.set()
        assert finished.next() == (None, None)


class FailingDatabase(Database):
    """A real database that fails on demand.

    Attributes:
        broken: reads and writes raise StorageError while it is True.
        lose_commits: work runs and is then undone, as when the disk fails at the flush.
    """

    exclusive = True

    def __init__(self, real: Database) -> None:
        self._real = real
        self.exclusive = real.exclusive
        self.broken = False
        self.broken_reads = False
        self.lose_commits = False

    @property
    def use(self) -> DatabaseUse:
        return self._real.use

    @property
    def folder(self) -> Path | None:
        return self._real.folder

    def read(self, work: Work[T]) -> T:
        if self.broken or self.broken_reads:
            raise StorageError("broken for the test")
        return self._real.read(work)

    def write(self, work: Work[T]) -> T:
        if self.broken:
            raise StorageError("broken for the test")
        return self._real.write(self._perhaps_lost(work))

    def submit(self, work: Work[T], done: Done[T]) -> None:
        # Judged on the writer thread, where a real disk fails.
        self._real.submit(self._perhaps_lost(work), done)

    def close(self) -> None:
        self._real.close()

    def _perhaps_lost(self, work: Work[T]) -> Work[T]:
        def run(tx: Transaction) -> T:
            if self.broken:
                raise StorageError("broken for the test")
            result = work(tx)
            if self.lose_commits:
                raise StorageError("lost for the test")
            return result

        return run
