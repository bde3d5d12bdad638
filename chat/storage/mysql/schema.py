"""Creates, checks and upgrades the tables of a MySQL or MariaDB database."""

from __future__ import annotations

import logging
import re
from pathlib import Path

from chat.storage.base import StorageError
from chat.storage.mysql.connection import MysqlAddress, MysqlConnection
from chat.storage.mysql.original import KEPT, remind_of_the_original, take_over_texts
from chat.storage.schema import SCHEMA_VERSION, upgrade_scripts

log = logging.getLogger(__name__)

ORIGINAL_TABLES = {"user", "friend", "allgroup", "groupuser", "offlinemessage"}
OUR_TABLES = {"message", "token", "node", "setting"}
"""Tables that the original project does not have."""

SCHEMA_LOCK = "chat-schema"
SCHEMA_LOCK_SECONDS = 60
"""The wait for another server that creates or upgrades the tables."""

UPGRADE_SECONDS = 3600
"""The time for a statement of an upgrade, which may rebuild the table of all messages."""

CREATED = frozenset({1050})
UPGRADED = frozenset({1050, 1060, 1061})
"""Error numbers: the table, the column or the key exists. MySQL commits each CREATE and ALTER by
itself, so an interrupted script has run in part. It runs again, and skips what exists."""

UNFINISHED = "schema_unfinished"
"""A table that exists during the creation of the others.

Example: server A is killed after it has created three tables. Server B sees this table, so it
creates the missing ones, and does not take the three for another program's."""


def prepare_schema(address: MysqlAddress, schema: Path, upgrades: Path) -> None:
    """Bring the database to this program's tables. Worker or main thread, at the start.

    ``schema``: the script that creates all tables. ``upgrades``: see ``upgrade_scripts``. Raises
    StorageError.

    A lock of the database lets one server at a time do this. Example: servers A and B with a new
    version start at once on old tables. A gets the lock and upgrades; B waits, then reads the new
    version and has nothing to do.
    """
    connection = MysqlConnection(address, "READ COMMITTED", answer_seconds=UPGRADE_SECONDS)
    try:
        _check_binary_log(connection, address)
        ((got,),) = connection.rows("SELECT GET_LOCK(%s, %s)", (SCHEMA_LOCK, SCHEMA_LOCK_SECONDS))
        if got != 1:
            raise StorageError(f"{address}: another server is at work on the tables")
        version = _version(connection, address)
        if version is None:
            connection.run(f"CREATE TABLE IF NOT EXISTS {UNFINISHED} (nothing INT PRIMARY KEY)")
            _run_script(connection, schema, CREATED)
            connection.run(f"DROP TABLE {UNFINISHED}")
            log.info("the tables in %s have been created", address)
            version = SCHEMA_VERSION
        if version > SCHEMA_VERSION:
            raise StorageError(
                f"{address}: its schema is version {version}, newer than this program's "
                f"{SCHEMA_VERSION}"
            )
        for script in upgrade_scripts(upgrades, version):
            _run_script(connection, script, UPGRADED)
            log.info("%s has been upgraded: %s", address, script.stem)
        if _setting(connection, "original_texts") == "unread":
            take_over_texts(connection)
        remind_of_the_original(_tables(connection))
        _check_durability(connection)
    finally:
        connection.close()  # which releases the lock


def _version(connection: MysqlConnection, address: MysqlAddress) -> int | None:
    """The version of the tables; None if they do not exist, or not all of them yet."""
    tables = _tables(connection)
    if not tables or UNFINISHED in tables:
        return None
    if "setting" in tables:
        version = _setting(connection, "schema_version")
        if version is not None and version.isascii() and version.isdigit():
            return int(version)
    elif not tables & OUR_TABLES:
        left = sorted(tables & set(KEPT))
        if left:
            raise StorageError(
                f"{', '.join(left)}: are kept from an earlier start: drop them first"
            )
        missing = ORIGINAL_TABLES - {name.lower() for name in tables}
        if not missing:
            _rename_capitals(connection, tables)
            return 0
        if len(missing) < len(ORIGINAL_TABLES):
            raise StorageError(
                f"{address}: of the original project's tables it lacks "
                f"{', '.join(sorted(missing))}; create them to take the others over, or give the "
                "chat server an empty database"
            )
    raise StorageError(f"{address}: not a chat server's database; give it an empty one")


def _rename_capitals(connection: MysqlConnection, tables: set[str]) -> None:
    """Rename a clone's table such as ``User``: on Linux that is another table than ``user``."""
    found = {name.lower(): name for name in tables}
    renamed = [f"`{found[name]}` TO {name}" for name in sorted(ORIGINAL_TABLES - tables)]
    if renamed:
        connection.run(f"RENAME TABLE {', '.join(renamed)}")


def _check_binary_log(connection: MysqlConnection, address: MysqlAddress) -> None:
    """Raise StorageError for a binary log of statements.

    With READ COMMITTED transactions InnoDB cannot write such a log (error 1665).
    """
    ((on, how),) = connection.rows("SELECT @@log_bin, @@binlog_format")
    if int(on) and how == "STATEMENT":
        raise StorageError(
            f"{address}: binlog_format is STATEMENT, with which nothing can be written; "
            "set binlog_format = ROW in the server's configuration"
        )


def _tables(connection: MysqlConnection) -> set[str]:
    return {name for (name,) in connection.rows("SHOW TABLES")}


def _setting(connection: MysqlConnection, name: str) -> str | None:
    rows = connection.rows("SELECT value FROM setting WHERE name = %s", (name,))
    return rows[0][0] if rows else None


def _check_durability(connection: MysqlConnection) -> None:
    """Log a warning if a power cut could lose acknowledged messages."""
    ((flush, binlog, sync),) = connection.rows(
        "SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog"
    )
    if int(flush) != 1:
        log.warning(
            "the database does not flush its commits: a power cut can lose acknowledged "
            "messages; set innodb_flush_log_at_trx_commit = 1"
        )
    if int(binlog) and int(sync) != 1:
        log.warning("a power cut can part the binary log from the data; set sync_binlog = 1")


def _run_script(connection: MysqlConnection, path: Path, pass_over: frozenset[int]) -> None:
    """Run the statements of a file, except those that create and select the database.

    ``pass_over``: numbers of errors that are ignored.
    """
    text = re.sub(r"^\s*--.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for statement in text.split(";\n"):
        sql = statement.strip()
        if not sql or re.match(r"(CREATE DATABASE|USE)\b", sql):
            continue
        try:
            connection.run(sql)
        except StorageError as exc:
            if exc.number not in pass_over:
                raise
    connection.commit()
