"""MySQL and MariaDB, through mysql-connector-python: the one module that knows the driver.

Two ways in. Requests borrow a connection from a pool, each for a transaction of its own. Sends
and deletions go to the writer thread, which has a connection of its own and commits everything
that waits as one transaction. A piece of work that fails there is left out and the others are
run again: that is rare, while savepoints would cost everybody two round trips.

What may be run again, and what not. Until COMMIT is sent nothing has happened, so a transaction
that met a deadlock or lost its connection is simply begun anew. When the answer to COMMIT is
lost nobody knows. ``write`` says so (OutcomeUnknown). The writer's work can find out by itself,
for a send is known by its ``mid`` and a deletion is none the worse for being repeated: it is run
again, before anything later.

Transactions are READ COMMITTED where they write, so that they lock rows and not the gaps
between; reads are REPEATABLE READ, which is one snapshot. A server that is stopped in the middle of
a transaction must not hold its locks for long: the database ends such a transaction after
``IDLE_TRANSACTION_SECONDS``.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mysql.connector
from mysql.connector.constants import ClientFlag

from chat.db.base import (
    Database,
    Done,
    OutcomeUnknown,
    Row,
    StorageError,
    T,
    Transaction,
    UniqueViolation,
    Work,
)
from chat.db.pool import ConnectionPool

try:
    from _mysql_connector import (  # type: ignore[import-not-found,unused-ignore]
        MySQLInterfaceError,
    )
except ImportError:  # the driver in pure Python
    _DRIVER_ERRORS: tuple[type[Exception], ...] = (mysql.connector.Error,)
else:
    # The C extension lets its own errors through in some places, commit() for one.
    _DRIVER_ERRORS = (mysql.connector.Error, MySQLInterfaceError)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3
ANSWER_SECONDS = 10
"""How long a statement's answer may take; a database that is frozen is as good as gone."""

LOCK_SECONDS = 5
IDLE_TRANSACTION_SECONDS = 5

ATTEMPTS = 5
"""How often a transaction is begun for deadlocks and lost connections."""

PAUSE_SECONDS = 0.02
"""Before the second attempt; doubled, with jitter, for each that follows."""

OUTCOME_SECONDS = 10.0
"""How long the writer tries to find out what became of a COMMIT."""

MAX_GROUP = 64
"""Pieces of work per commit of the writer. Sends count as one piece, however many there are."""

ROWS = 200
"""Rows per multi-row statement."""

DUPLICATE = 1062
LOST = frozenset({1053, 1927, 2002, 2003, 2006, 2013, 2026, 2045, 2055, 4031})
"""Shutdown in progress, connection killed, cannot connect, gone away, lost, …"""

BUSY = frozenset({1205, 1213, 3572})
"""Lock wait time-out, deadlock: the same again may succeed."""


class _LostConnection(StorageError):
    """The connection is broken; nothing of the transaction was committed."""


class _Busy(StorageError):
    """Another transaction was in the way."""


@dataclass(frozen=True, slots=True)
class MysqlAddress:
    """Where the database is, and who we are there."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str

    def __str__(self) -> str:
        return f"mysql://{self.user}@{self.host}:{self.port}/{self.name}"


class MysqlConnection:
    """A connection, with the driver's errors translated. One thread at a time."""

    def __init__(
        self, address: MysqlAddress, isolation: str, answer_seconds: int = ANSWER_SECONDS
    ) -> None:
        """Raises StorageError."""
        # Has there been a statement since the last commit or rollback? The driver's own idea of
        # that is wrong after a statement that failed.
        self._used = False
        try:
            self._raw: Any = mysql.connector.connect(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.name,
                charset="utf8mb4",
                collation="utf8mb4_general_ci",  # the driver's default is unknown to some servers
                use_unicode=True,
                autocommit=False,
                # Rows that were found, not rows that differ: as SQLite counts.
                client_flags=[ClientFlag.FOUND_ROWS],
                connection_timeout=CONNECT_SECONDS,
                read_timeout=answer_seconds,
                write_timeout=answer_seconds,
                time_zone="+00:00",
                sql_mode="STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION",
            )
        except _DRIVER_ERRORS as exc:
            raise StorageError(_words(exc, address)) from exc
        try:
            self._cursor = self._raw.cursor()
            self.run(f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}")
            self.run(f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}")
            self._limit_idle_transactions()
        except BaseException:
            self.close()
            raise

    def _limit_idle_transactions(self) -> None:
        try:
            self.run(f"SET SESSION idle_transaction_timeout = {IDLE_TRANSACTION_SECONDS}")
        except StorageError:  # MySQL has no such thing: there any silence counts
            self.run(f"SET SESSION wait_timeout = {IDLE_TRANSACTION_SECONDS}")

    def run(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Execute a statement with ``%s`` parameters; returns the cursor. Raises StorageError."""
        self._used = True
        try:
            self._cursor.execute(sql, tuple(params))
        except _DRIVER_ERRORS as exc:
            raise _translate(exc) from exc
        return self._cursor

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """The rows of a SELECT; binary columns as text. Raises StorageError."""
        cursor = self.run(sql, params)
        try:
            found: list[Row] = cursor.fetchall()
        except _DRIVER_ERRORS as exc:
            raise _translate(exc) from exc
        if found and any(isinstance(value, bytes | bytearray) for value in found[0]):
            return [tuple(_text(value) for value in row) for row in found]
        return found

    def commit(self) -> None:
        """Raises OutcomeUnknown if there was no answer, StorageError if it was refused."""
        try:
            self._raw.commit()
        except _DRIVER_ERRORS as exc:
            problem = _translate(exc)
            if isinstance(problem, _LostConnection):
                raise OutcomeUnknown(str(problem)) from exc
            raise problem from exc
        self._used = False

    # What the pool asks.

    def is_alive(self) -> bool:
        try:
            self._raw.ping(reconnect=False)
        except _DRIVER_ERRORS:
            return False
        return True

    def reset(self) -> None:
        if not self._used:
            return
        try:
            self._raw.rollback()
        except _DRIVER_ERRORS as exc:
            raise _translate(exc) from exc
        self._used = False

    def close(self) -> None:
        with contextlib.suppress(Exception):
            # Not close(): that says goodbye, which takes its time where nobody answers.
            self._raw.disconnect()


class MysqlTransaction(Transaction):
    """The inside of a transaction on a connection."""

    for_update = " FOR UPDATE"
    clock = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"

    def __init__(self, connection: MysqlConnection) -> None:
        self._connection = connection

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._connection.rows(_percent(sql), params)

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return int(self._connection.run(_percent(sql), params).rowcount)

    def insert(self, sql: str, params: Sequence[object] = ()) -> int:
        return int(self._connection.run(_percent(sql), params).lastrowid)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        for chunk in _chunks(rows):
            self._insert(table, columns, chunk)

    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        """The caller has locked something that keeps others from inserting the same keys."""
        ids: list[int | None] = []
        for chunk in _chunks(rows):
            try:
                new = self._insert_and_find(table, columns, chunk, generated)
                ids += [new[row[:2]] for row in chunk]
            except UniqueViolation:  # the statement is undone, the transaction goes on
                there = self._find(table, columns, [row[:2] for row in chunk], generated)
                fresh = [row for row in chunk if row[:2] not in there]
                new = self._insert_and_find(table, columns, fresh, generated) if fresh else {}
                ids += [new.get(row[:2]) for row in chunk]
        return ids

    def _insert_and_find(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> dict[Row, int]:
        first = self._insert(table, columns, rows)
        # Read back, because nothing promises that a statement's ids follow one another. Others
        # may have inserted meanwhile, so these are not all ours.
        select = f"SELECT {columns[0]}, {columns[1]}, {generated} FROM {table} "
        found = self._connection.rows(select + f"WHERE {generated} >= %s", (first,))
        return {row[:2]: row[2] for row in found}

    def _insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> int:
        """Returns the first of the generated ids."""
        one = "(" + ",".join(["%s"] * len(columns)) + ")"
        sql = f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([one] * len(rows))}"
        return int(self._connection.run(sql, _flatten(rows)).lastrowid or 0)

    def _find(
        self, table: str, columns: Sequence[str], keys: Sequence[Row], generated: str
    ) -> dict[Row, int]:
        where = _any_of((columns[0], columns[1]), len(keys))
        select = f"SELECT {columns[0]}, {columns[1]}, {generated} FROM {table} WHERE {where}"
        return {row[:2]: row[2] for row in self._connection.rows(select, _flatten(keys))}

    def delete_pairs(self, table: str, columns: tuple[str, str], pairs: Sequence[Row]) -> None:
        for chunk in _chunks(pairs):
            where = _any_of(columns, len(chunk))
            self._connection.run(f"DELETE FROM {table} WHERE {where}", _flatten(chunk))


class MysqlDatabase(Database):
    """A MySQL or MariaDB database, shared with other servers."""

    exclusive = False

    def __init__(self, address: MysqlAddress, pool: int = 8) -> None:
        """Tries to connect. ``pool``: at most so many connections besides the writer's.

        Raises StorageError.
        """
        if not getattr(mysql.connector, "HAVE_CEXT", False):
            log.warning("mysql-connector-python has no C extension here: queries take longer")
        self.address = address
        self._pool = ConnectionPool(lambda: MysqlConnection(address, "REPEATABLE READ"), pool)
        self._pool.give_back(self._pool.take())
        self._jobs_lock = threading.Lock()  # guards _jobs and _closing
        self._jobs_ready = threading.Condition(self._jobs_lock)
        self._jobs: deque[_Job] = deque()
        self._closing = False
        self._writer: MysqlConnection | None = None  # the writer thread's
        self._writer_used = 0.0
        self._thread = threading.Thread(target=self._write_forever, name="mysql-writer")
        self._thread.start()

    @property
    def pool(self) -> ConnectionPool[MysqlConnection]:
        """To look at."""
        return self._pool

    def read(self, work: Work[T]) -> T:
        def attempt() -> T:
            with self._borrowed() as connection:
                return work(MysqlTransaction(connection))

        return _persist(attempt)

    def write(self, work: Work[T]) -> T:
        def attempt() -> T:
            with self._borrowed() as connection:
                connection.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                result = work(MysqlTransaction(connection))
                connection.commit()
                return result

        return _persist(attempt)

    def submit(self, work: Work[T], done: Done[T]) -> None:
        with self._jobs_lock:
            if not self._closing:
                self._jobs.append(_Job(work, done))
                self._jobs_ready.notify()
                return
        done(None, StorageError("the database is closed"))

    def close(self) -> None:
        with self._jobs_lock:
            if self._closing:
                return
            self._closing = True
            self._jobs_ready.notify()
        self._thread.join()
        self._pool.close()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[MysqlConnection]:
        connection = self._pool.take()
        try:
            yield connection
        except (_LostConnection, OutcomeUnknown):
            self._pool.discard(connection)
            raise
        except BaseException:
            self._pool.give_back(connection)
            raise
        self._pool.give_back(connection)

    # ------------------------------------------------------------------ the writer thread

    def _write_forever(self) -> None:
        while True:
            with self._jobs_lock:
                while not self._jobs and not self._closing:
                    self._jobs_ready.wait()
                if not self._jobs:
                    break
                group = [self._jobs.popleft() for _ in range(min(MAX_GROUP, len(self._jobs)))]
            self._commit_group(group)
        if self._writer is not None:
            self._writer.close()

    def _commit_group(self, group: list[_Job]) -> None:
        """Commit what can be committed of a group, and report to all."""
        try:
            self._commit(group)
        except StorageError as exc:
            log.error("commit failed: %s", exc)
            for job in group:
                if job.error is None:
                    job.error = exc
        except Exception as exc:
            log.exception("the writer failed")
            for job in group:
                job.error = job.error or exc
        for job in group:
            job.report()

    def _commit(self, group: list[_Job]) -> None:
        unknown_until = 0.0  # when to give up on a COMMIT whose answer was lost
        attempts = 0
        while True:
            try:
                self._attempt(group)
                return
            except _JobFailed as failed:  # it is left out from now on
                self._roll_back()
                failed.job.error = failed.error
                continue
            except OutcomeUnknown as exc:
                log.warning("the answer to a commit was lost: %s", exc)
                unknown_until = unknown_until or time.monotonic() + OUTCOME_SECONDS
            except StorageError as exc:
                attempts += 1
                again = isinstance(exc, _LostConnection | _Busy) and attempts < ATTEMPTS
                if not again and time.monotonic() >= unknown_until:
                    self._drop_writer()
                    raise
            if unknown_until and time.monotonic() >= unknown_until:
                self._drop_writer()
                raise OutcomeUnknown("the database does not say what it has committed")
            self._drop_writer()
            _pause(min(attempts, ATTEMPTS))

    def _attempt(self, group: list[_Job]) -> None:
        connection = self._connected_writer()
        transaction = MysqlTransaction(connection)
        for job in group:
            if job.error is not None:
                continue
            try:
                job.result = job.work(transaction)
            except (_LostConnection, _Busy):
                raise
            except Exception as exc:
                raise _JobFailed(job, exc) from exc
        connection.commit()
        self._writer_used = time.monotonic()

    def _connected_writer(self) -> MysqlConnection:
        writer = self._writer
        idle = time.monotonic() - self._writer_used > IDLE_TRANSACTION_SECONDS / 2
        if writer is not None and idle and not writer.is_alive():
            self._drop_writer()
            writer = None
        if writer is None:
            try:
                writer = self._writer = MysqlConnection(self.address, "READ COMMITTED")
            except StorageError as exc:
                raise _LostConnection(str(exc)) from exc
        return writer

    def _roll_back(self) -> None:
        if self._writer is not None:
            try:
                self._writer.reset()
            except StorageError:
                self._drop_writer()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class _Job:
    """A piece of work for the writer, and what came of it."""

    __slots__ = ("_done", "error", "result", "work")

    def __init__(self, work: Work[Any], done: Done[Any]) -> None:
        self.work = work
        self._done = done
        self.result: Any = None
        self.error: Exception | None = None

    def report(self) -> None:
        try:
            self._done(None if self.error else self.result, self.error)
        except Exception:
            log.exception("after a commit")


class _JobFailed(Exception):
    """One piece of work of a group raised."""

    def __init__(self, job: _Job, error: Exception) -> None:
        super().__init__(str(error))
        self.job = job
        self.error = error


def _persist(attempt: Callable[[], T]) -> T:
    """Begin anew after deadlocks and lost connections, a few times."""
    for number in range(1, ATTEMPTS):
        try:
            return attempt()
        except (_LostConnection, _Busy):
            _pause(number)
    return attempt()


def _pause(attempt: int) -> None:
    """Between attempts: random, so that two that collided do not do so again."""
    time.sleep(random.uniform(0.5, 1.0) * PAUSE_SECONDS * 2**attempt)


def _translate(exc: Any) -> StorageError:
    number = exc.errno
    words = " ".join(str(exc.msg or exc).split())
    if number == DUPLICATE:
        return UniqueViolation(words)
    if number in BUSY:
        return _Busy(words)
    timed_out = (
        mysql.connector.errors.ReadTimeoutError,
        mysql.connector.errors.WriteTimeoutError,
        mysql.connector.errors.ConnectionTimeoutError,
        mysql.connector.errors.InterfaceError,
    )
    if number in LOST or isinstance(exc, timed_out) or "MySQL Connection not available" in words:
        return _LostConnection(words)
    return StorageError(words, number or 0)


def _words(exc: Any, address: MysqlAddress) -> str:
    """Why there is no connection, in one line without the driver's numbers."""
    reasons = {
        1044: "access denied to this database",
        1045: "wrong user or password",
        1698: "wrong user or password",
        1049: "there is no such database",
        1040: "it has too many connections",
        2003: "nobody answers there",
        2002: "nobody answers there",
        2005: "there is no such host",
    }
    text = reasons.get(exc.errno or 0) or " ".join(str(exc.msg or exc).split())
    return f"{address}: {text}"


@lru_cache(maxsize=1024)
def _percent(sql: str) -> str:
    """Our placeholders as the driver's. There is no ``?`` in our SQL but as placeholder."""
    return sql.replace("%", "%%").replace("?", "%s")


def _any_of(columns: tuple[str, str], count: int) -> str:
    """One of so many pairs. Every server uses the index for this; not so for row constructors."""
    return " OR ".join([f"({columns[0]} = %s AND {columns[1]} = %s)"] * count)


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), ROWS):
        yield rows[start : start + ROWS]


def _flatten(rows: Sequence[Row]) -> list[object]:
    return [value for row in rows for value in row]


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes | bytearray) else value
