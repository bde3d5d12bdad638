"""MysqlConnection: through mysql-connector-python, which no other module knows."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mysql.connector
from mysql.connector.constants import ClientFlag

from chat.storage.base import OutcomeUnknown, Row, StorageError, UniqueViolation

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

PREFERRED, REQUIRED, OFF = "preferred", "required", "off"
TLS_MODES = (PREFERRED, REQUIRED, OFF)

LARGEST_STATEMENT = 16 * 1024 * 1024
SMALLEST_STATEMENT = 512 * 1024
"""Bytes of a statement: the longest that we send, and the shortest limit of a usable server."""

DUPLICATE = 1062
NEEDS_TLS = 2061
LOST = frozenset({1053, 1927, 2002, 2003, 2006, 2013, 2026, 2045, 2055, 4031})
"""Shutdown in progress, connection killed, cannot connect, gone away, lost, …"""

DENIED = frozenset({1142, 1143, 1227})
"""The account lacks a right, which the server's message names."""

BUSY = frozenset({1205, 1213, 3572})
"""Lock wait time-out, deadlock: the same again may succeed."""


class LostConnection(StorageError):
    """The connection is broken; nothing of the transaction was committed."""


class Busy(StorageError):
    """Another transaction was in the way."""


@dataclass(frozen=True, slots=True)
class MysqlAddress:
    """The address of the database, and our account there.

    Attributes:
        tls: PREFERRED, where the server offers it; REQUIRED; or OFF.
        ca: a PEM file. The server must show a certificate for its host, signed by this authority.
            Without that, any server at this address gets the password.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
    tls: str = PREFERRED
    ca: str = ""

    def __str__(self) -> str:
        return f"mysql://{self.user}@{self.host}:{self.port}/{self.name}"


class MysqlConnection:
    """A connection, with the driver's errors translated. One thread at a time.

    Attributes:
        needs_keeping: the server ends it after ``IDLE_TRANSACTION_SECONDS`` of silence, in a
            transaction or not: MySQL has no limit for transactions alone.
        statement_bytes: how long a statement may be (``max_allowed_packet``).
    """

    def __init__(
        self, address: MysqlAddress, isolation: str, answer_seconds: int = ANSWER_SECONDS
    ) -> None:
        """Raises StorageError."""
        # Has there been a statement since the last commit or rollback? The driver's own idea of
        # that is wrong after a statement that failed.
        self._used = False
        self.needs_keeping = False
        self.statement_bytes = LARGEST_STATEMENT
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
                **_tls_options(address),
            )
        except _DRIVER_ERRORS as exc:
            raise StorageError(_words(exc, address)) from exc
        try:
            self._cursor = self._open_cursor()
            self._look_at_server(address)
            # The server's configuration may have other values of all of these.
            self.run(f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}, READ WRITE")
            self.run(
                f"SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}, "
                "completion_type = 'NO_CHAIN'"
            )
            self._limit_idle_transactions()
        except BaseException:
            self.close()
            raise

    def _open_cursor(self) -> Any:
        """Raises LostConnection: it may be lost between the login and this."""
        try:
            return self._raw.cursor()
        except _DRIVER_ERRORS as exc:
            raise _translate(exc) from exc

    def _look_at_server(self, address: MysqlAddress) -> None:
        """Read the server's limits. Raises StorageError if the server cannot be used."""
        ((largest,),) = self.rows("SELECT @@max_allowed_packet")
        self.statement_bytes = min(int(largest), LARGEST_STATEMENT)
        if self.statement_bytes < SMALLEST_STATEMENT:
            raise StorageError(
                f"{address}: max_allowed_packet is {largest}; set it to at least "
                f"{SMALLEST_STATEMENT}, better to the default"
            )
        if address.tls == REQUIRED:
            ((_, cipher),) = self.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
            if not cipher:
                raise StorageError(f"{address}: {NO_TLS}")

    def _limit_idle_transactions(self) -> None:
        try:
            self.run(f"SET SESSION idle_transaction_timeout = {IDLE_TRANSACTION_SECONDS}")
        except StorageError:  # MySQL has no such thing: there any silence counts
            self.run(f"SET SESSION wait_timeout = {IDLE_TRANSACTION_SECONDS}")
            self.needs_keeping = True

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
    if number in DENIED:
        words += "; docs/deploy.md has the GRANT statement"
    return StorageError(words, number or 0)


def _words(exc: Any, address: MysqlAddress) -> str:
    """Why there is no connection, in one line without the driver's numbers."""
    reasons = {
        1044: "the account has no rights on this database; docs/deploy.md has the GRANT statement",
        1045: "wrong user or password",
        1698: "wrong user or password",
        1049: "there is no such database",
        1040: "it has too many connections",
        2003: "nobody answers there",
        2002: "nobody answers there",
        2005: "there is no such host",
        2026: _tls_words(exc, address),
        NEEDS_TLS: "the account needs TLS (caching_sha2_password), and the server offers none: "
        "give the server a certificate (ssl_cert, ssl_key)",
    }
    text = reasons.get(exc.errno or 0) or " ".join(str(exc.msg or exc).split())
    return f"{address}: {text}"


NO_TLS = (
    "the server offers no TLS: give it a certificate (ssl_cert, ssl_key), "
    "or take ca and tls out of database.url"
)


def _tls_options(address: MysqlAddress) -> dict[str, Any]:
    if address.tls == OFF:
        return {"ssl_disabled": True}
    if not address.ca:
        return {}
    # Identity, too: without it the driver goes on in clear where the server offers no TLS.
    return {"ssl_ca": address.ca, "ssl_verify_cert": True, "ssl_verify_identity": True}


def _tls_words(exc: Any, address: MysqlAddress) -> str:
    text = " ".join(str(exc.msg or exc).split())
    if "doesn't support it" in text:
        return NO_TLS
    return (
        f"no certificate for {address.host} that {address.ca} vouches for: "
        f"compare ca in database.url with the server's ssl_cert ({text})"
    )


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes | bytearray) else value
