"""Creates, checks and upgrades the tables of a SQLite file."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from chat.storage.base import StorageError
from chat.storage.schema import SCHEMA_VERSION, upgrade_scripts

log = logging.getLogger(__name__)


def prepare_schema(connection: sqlite3.Connection, schema: Path) -> None:
    """Bring the file to this program's tables, each step in a transaction.

    ``schema``: the script that creates all tables; the upgrades are in ``upgrade/sqlite`` beside
    it. Raises StorageError, sqlite3.Error, OSError.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        _run_script(connection, schema)
        return
    if "setting" not in tables:
        raise StorageError("not a chat server's database")
    version = _version(connection)
    if not 1 <= version <= SCHEMA_VERSION:
        raise StorageError(f"its schema is version {version}, this program's {SCHEMA_VERSION}")
    for path in upgrade_scripts(schema.parent / "upgrade" / "sqlite", version):
        _run_script(connection, path)
        log.info("the tables have been upgraded: %s", path.stem)


def _version(connection: sqlite3.Connection) -> int:
    """The version in the table ``setting``; 0 if there is none."""
    found = connection.execute("SELECT value FROM setting WHERE name = 'schema_version'")
    row = found.fetchone()
    text = str(row[0]) if row else ""  # in another program's table the value may be NULL
    return int(text) if text.isascii() and text.isdigit() else 0


def _run_script(connection: sqlite3.Connection, path: Path) -> None:
    connection.executescript(f"BEGIN IMMEDIATE; {path.read_text(encoding='utf-8')} COMMIT;")
