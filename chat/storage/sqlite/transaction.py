"""SqliteTransaction: the statements of a transaction in SQLite's SQL.

Each ``sqlite3_step`` releases the GIL, and then waits for the loop threads to get it back. Few long
statements are therefore faster than many short ones. So many rows go into one INSERT, and not into
``executemany``, which takes one step for each row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from chat.storage.base import Row, Transaction
from chat.storage.chunks import bounds_of_chunks
from chat.storage.sqlite.errors import translate

CHUNKS = (64, 16, 4, 1)
"""Rows of a statement. With few sizes the prepared statements stay in SQLite's cache."""


class SqliteTransaction(Transaction):
    """A transaction of one connection. SQLite has one writer at a time and needs no row locks."""

    clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    greatest = "MAX"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def bytes_in(self, column: str) -> str:
        return f"LENGTH(CAST({column} AS BLOB))"

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._run(sql, params).fetchall()

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return self._run(sql, params).rowcount

    def insert(self, sql: str, params: Sequence[object] = ()) -> int:
        generated = self._run(sql, params).lastrowid
        assert generated is not None
        return generated

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        for start, end in _chunks(len(rows)):
            sql = _insert_sql("INSERT", table, tuple(columns), end - start)
            self._run(sql, list(chain.from_iterable(rows[start:end])))

    def insert_missing_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        for start, end in _chunks(len(rows)):
            sql = _insert_sql("INSERT OR IGNORE", table, tuple(columns), end - start)
            self._run(sql, list(chain.from_iterable(rows[start:end])))

    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        ids: list[int | None] = []
        ((newest,),) = self.query(f"SELECT MAX({generated}) FROM {table}")
        newest = newest or 0
        for start, end in _chunks(len(rows)):
            chunk = rows[start:end]
            sql = _insert_sql("INSERT OR IGNORE", table, tuple(columns), len(chunk))
            cursor = self._run(sql, list(chain.from_iterable(chunk)))
            if cursor.rowcount == len(chunk):
                # All rows are new. This is the only writer, and AUTOINCREMENT counts up by one: the
                # ids are the last ones, in the order of the rows. RETURNING would cost a step for
                # each row.
                last = cursor.lastrowid
                assert last is not None
                ids.extend(range(last - len(chunk) + 1, last + 1))
            else:
                # An ignored row uses up an id, too. So the ids have gaps: read them.
                ids.extend(self._new_ids(table, columns, chunk, generated, newest))
        return ids

    def _new_ids(
        self, table: str, columns: Sequence[str], chunk: Sequence[Row], generated: str, newest: int
    ) -> Iterator[int | None]:
        """The ids of the inserted rows, None for the others. ``newest``: the last id before."""
        key = f"{columns[0]} = ? AND {columns[1]} = ?"
        for row in chunk:
            ((found,),) = self.query(f"SELECT {generated} FROM {table} WHERE {key}", row[:2])
            yield found if found > newest else None

    def delete_pairs(self, table: str, columns: tuple[str, str], pairs: Sequence[Row]) -> None:
        for start, end in _chunks(len(pairs)):
            sql = _delete_sql(table, columns, end - start)
            self._run(sql, list(chain.from_iterable(pairs[start:end])))

    def _run(self, sql: str, params: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, params)
        except sqlite3.Error as exc:
            raise translate(exc) from exc


# The text and the chunks of a statement depend on the number of rows, and few numbers are frequent.
# These caches save 10 to 15 % of the CPU time of inserting and deleting mailbox rows.


@lru_cache(maxsize=256)
def _chunks(count: int) -> tuple[tuple[int, int], ...]:
    """The bounds of the chunks of so many rows."""
    return bounds_of_chunks(count, CHUNKS)


@lru_cache(maxsize=128)
def _insert_sql(verb: str, table: str, columns: tuple[str, ...], count: int) -> str:
    values = ",".join(["(" + ",".join("?" * len(columns)) + ")"] * count)
    return f"{verb} INTO {table} ({','.join(columns)}) VALUES {values}"


@lru_cache(maxsize=128)
def _delete_sql(table: str, columns: tuple[str, str], count: int) -> str:
    values = ",".join(["(?,?)"] * count)
    # With a bare VALUES of two rows or more SQLite would scan the whole table.
    where = f"({columns[0]}, {columns[1]}) IN (SELECT * FROM (VALUES {values}))"
    return f"DELETE FROM {table} WHERE {where}"
