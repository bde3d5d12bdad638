"""MysqlConnection: a connection to MySQL or MariaDB. Only this module uses the driver.

The driver is mysql-connector-python. Its errors become StorageErrors here.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import mysql.connector
from mysql.connector.constants import ClientFlag, FieldType

from chat.storage.base import DiskError, OutcomeUnknown, Row, StorageError, UniqueViolation

try:
    from _mysql_connector import (  # type: ignore[import-not-found,unused-ignore]
        MySQLInterfaceError,
    )
except ImportError:  # the driver in pure Python
    _DRIVER_ERRORS: tuple[type[Exception], ...] = (mysql.connector.Error,)
else:
    # Some methods, such as commit(), raise the errors of the C extension unchanged.
    _DRIVER_ERRORS = (mysql.connector.Error, MySQLInterfaceError)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3
ANSWER_SECONDS = 10
"""The time for the answer to a statement. Without an answer the connection counts as lost."""

ROW_LOCK_SECONDS = 5
"""The wait for a row that another transaction has locked."""

IDLE_TRANSACTION_SECONDS = 5
"""After so long without a statement the server ends a transaction, and frees its locks."""

PREFERRED, REQUIRED, OFF = "preferred", "required", "off"
TLS_MODES = (PREFERRED, REQUIRED, OFF)

_BLOBS = frozenset(
    {FieldType.TINY_BLOB, FieldType.MEDIUM_BLOB, FieldType.LONG_BLOB, FieldType.BLOB}
)
_BINARY = 63
"""The number of the character set of bytes."""

LARGEST_STATEMENT = 16 * 1024 * 1024
SMALLEST_STATEMENT = 512 * 1024
"""Bytes of a statement: the most that we send, and the least that a server must take."""

DUPLICATE = 1062
NEEDS_TLS = 2061
LOST = frozenset({1053, 1927, 2002, 2003, 2006, 2013, 2026, 2045, 2055, 4031})
"""Error numbers of a broken connection: shutdown in progress, killed, gone away, …"""

DENIED = frozenset({1142, 1143, 1227})
"""Error numbers of a missing right, which the server's message names."""

BUSY = frozenset({1205, 1213, 3572})
"""Error numbers of a lock: wait time-out, deadlock. A new attempt may succeed."""


DISK = frozenset({1021, 1026, 1114, 3019})
"""Error numbers of a disk or table space that is full: waiting, no write, no room, …"""

STORAGE_ENGINE, NO_SPACE = 1030, ("error 28 ", "error 122 ")
"""The number of many errors, and how those of them begin that are ENOSPC and EDQUOT."""


class LostConnection(StorageError):
    """The connection is broken; nothing of the transaction was committed."""


class Busy(StorageError):
    """A lock of another transaction prevented this one; nothing was committed."""


@dataclass(frozen=True, slots=True)
class MysqlAddress:
    """The address of the database, and the account.

    Attributes:
        tls: PREFERRED (if the server offers it), REQUIRED, or OFF.
        ca: a PEM file. The server must show a certificate for its host, signed by this authority.
            Without ``ca`` any server at this address gets the password.
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
    """A connection. One thread at a time.

    Attributes:
        needs_keeping: the server ends it after IDLE_TRANSACTION_SECONDS of silence even outside
            of a transaction. True for MySQL, which has no limit for transactions alone.
        statement_bytes: the longest statement that the server takes (``max_allowed_packet``).
    """

    def __init__(
        self, address: MysqlAddress, isolation: str, answer_seconds: int = ANSWER_SECONDS
    ) -> None:
        """Raises StorageError."""
        # True after a statement, until the next commit or rollback. The driver's own flag is wrong
        # after a failed statement.
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
                # Count the rows that an UPDATE matches, not those that it changes: as SQLite does.
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
            # The server's configuration may set other values for all of these.
            self.run(f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}, READ WRITE")
            self.run(
                f"SET SESSION innodb_lock_wait_timeout = {ROW_LOCK_SECONDS}, "
                "completion_type = 'NO_CHAIN'"
            )
            self._limit_idle_transactions()
        except BaseException:
            self.close()
            raise

    def _open_cursor(self) -> Any:
        """Raises LostConnection, if the connection was lost after the login."""
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
        except StorageError:  # MySQL has no such setting, only one for any silence
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
        """The rows of a SELECT; bytes as text, except of a BLOB. Raises StorageError."""
        cursor = self.run(sql, params)
        try:
            found: list[Row] = cursor.fetchall()
        except _DRIVER_ERRORS as exc:
            raise _translate(exc) from exc
        if found and any(isinstance(value, bytes | bytearray) for value in found[0]):
            blobs = [_is_blob(column) for column in cursor.description]
            return [tuple(map(_bytes_or_text, row, blobs)) for row in found]
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

    # ------------------------------------------------------------------ for the pool

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
            # close() would send a QUIT first, and wait if the server does not answer.
            self._raw.disconnect()


def warn_of_slow_driver() -> None:
    """Log a warning if the driver runs without its C extension."""
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
    if number in DISK or (number == STORAGE_ENGINE and any(text in words for text in NO_SPACE)):
        return DiskError(words, number)
    if number in DENIED:
        words += "; docs/deploy.md has the GRANT statement"
    return StorageError(words, number or 0)


def _words(exc: Any, address: MysqlAddress) -> str:
    """The reason why there is no connection, in one line without the driver's numbers."""
    reasons = {
        1044: "the account has no rights on this database; docs/deploy.md has the GRANT statement",
        1045: "wrong user or password",
        1698: "wrong user or password",
        1049: "there is no such database",
        1040: "it has too many connections",
        2003: "no server answers there",
        2002: "no server answers there",
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
    # With ssl_verify_identity, because without it the driver connects in clear text to a server
    # that offers no TLS.
    return {"ssl_ca": address.ca, "ssl_verify_cert": True, "ssl_verify_identity": True}


def _tls_words(exc: Any, address: MysqlAddress) -> str:
    text = " ".join(str(exc.msg or exc).split())
    if "doesn't support it" in text:
        return NO_TLS
    return (
        f"no certificate for {address.host} that {address.ca} vouches for: "
        f"compare ca in database.url with the server's ssl_cert ({text})"
    )


def _is_blob(column: Sequence[Any]) -> bool:
    """Is this column of a result a BLOB? A TEXT has the same type, and another character set."""
    return column[1] in _BLOBS and column[8] == _BINARY


def _bytes_or_text(value: object, is_blob: bool) -> object:
    if is_blob or not isinstance(value, bytes | bytearray):
        return value
    return value.decode()
