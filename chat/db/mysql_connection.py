"""MysqlConnection: through mysql-connector-python, which no other module knows."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mysql.connector
from mysql.connector.constants import ClientFlag

from chat.db.base import OutcomeUnknown, Row, StorageError, UniqueViolation

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

DUPLICATE = 1062
LOST = frozenset({1053, 1927, 2002, 2003, 2006, 2013, 2026, 2045, 2055, 4031})
"""Shutdown in progress, connection killed, cannot connect, gone away, lost, …"""

BUSY = frozenset({1205, 1213, 3572})
"""Lock wait time-out, deadlock: the same again may succeed."""


class LostConnection(StorageError):
    """The connection is broken; nothing of the transaction was committed."""


class Busy(StorageError):
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
            if isinstance(problem, LostConnection):
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


def warn_of_slow_driver() -> None:
    """Say so if the driver is the one in pure Python."""
    if not getattr(mysql.connector, "HAVE_CEXT", False):
        log.warning("mysql-connector-python has no C extension here: queries take longer")


def _translate(exc: Any) -> StorageError:
    number = exc.errno
    words = " ".join(str(exc.msg or exc).split())
    if number == DUPLICATE:
        return UniqueViolation(words)
    if number in BUSY:
        return Busy(words)
    timed_out = (
        mysql.connector.errors.ReadTimeoutError,
        mysql.connector.errors.WriteTimeoutError,
        mysql.connector.errors.ConnectionTimeoutError,
        mysql.connector.errors.InterfaceError,
    )
    if number in LOST or isinstance(exc, timed_out) or "MySQL Connection not available" in words:
        return LostConnection(words)
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


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes | bytearray) else value
