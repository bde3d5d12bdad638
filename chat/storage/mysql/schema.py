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
"""Which the original project has not."""

SCHEMA_LOCK = "chat-schema"
SCHEMA_LOCK_SECONDS = 60
UPGRADE_SECONDS = 3600
"""A statement of an upgrade may rebuild a table with all messages."""

CREATED = frozenset({1050})
UPGRADED = frozenset({1060, 1061})
"""Tables; columns and keys that are there already: what was cut short is run again."""

UNFINISHED = "schema_unfinished"
"""A table that is there while the others are being created."""


def prepare_schema(address: MysqlAddress, schema: Path, upgrades: Path) -> None:
    """Bring the database to this program's schema. Worker or main thread, at the start.

    ``schema``: what creates everything. ``upgrades``: a folder of scripts ``NNNN-name.sql``, the
    step from version NNNN - 1. Raises StorageError.
    """
    connection = MysqlConnection(address, "READ COMMITTED", answer_seconds=UPGRADE_SECONDS)
    try:
        _check_binary_log(connection, address)
        # Two servers that start together must not both create or upgrade.
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
        connection.close()  # which gives the lock back


def _version(connection: MysqlConnection, address: MysqlAddress) -> int | None:
    """The schema's version; None if the tables are not there, or not all of them yet."""
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
    """Some clones have a table User, which servers on Linux tell from user."""
    found = {name.lower(): name for name in tables}
    renamed = [f"`{found[name]}` TO {name}" for name in sorted(ORIGINAL_TABLES - tables)]
    if renamed:
        connection.run(f"RENAME TABLE {', '.join(renamed)}")


def _check_binary_log(connection: MysqlConnection, address: MysqlAddress) -> None:
    """Transactions are READ COMMITTED, which InnoDB cannot log as statements (error 1665)."""
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
    """What is acknowledged shall survive a power cut."""
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
    """Run the statements of a file but those that choose the database, or fail like this."""
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
