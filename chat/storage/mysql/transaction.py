"""MysqlTransaction: the statements of a transaction in the SQL of MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from chat.storage.base import Row, Transaction, UniqueViolation
from chat.storage.mysql.connection import MysqlConnection

ROWS = 200
"""Rows of the longest multi-row statement."""

BYTES_PER_CHARACTER = 8
"""Bytes of a text's character in a statement, at most: four in UTF-8, each escaped."""

CHARACTERS = 512 * 1024
"""Characters of the longest multi-row statement. A low ``max_allowed_packet`` lowers it."""


class MysqlTransaction(Transaction):
    """A transaction of one connection."""

    for_update = " FOR UPDATE"
    for_share = " LOCK IN SHARE MODE"
    clock = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"
    greatest = "GREATEST"

    def __init__(self, connection: MysqlConnection) -> None:
        self._connection = connection
        self._characters = min(CHARACTERS, connection.statement_bytes // BYTES_PER_CHARACTER)

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._connection.rows(_percent(sql), params)

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return int(self._connection.run(_percent(sql), params).rowcount)

    def insert(self, sql: str, params: Sequence[object] = ()) -> int:
        return int(self._connection.run(_percent(sql), params).lastrowid)

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        for chunk in _chunks(rows, self._characters):
            self._insert(table, columns, chunk)

    def insert_missing_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        for chunk in _chunks(rows, self._characters):
            self._insert(table, columns, chunk, "INSERT IGNORE")

    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        """As in the port. The caller has locked the senders, so no other transaction inserts rows
        with the same keys meanwhile.
        """
        ids: list[int | None] = []
        for chunk in _chunks(rows, self._characters):
            try:
                new = self._insert_and_find(table, columns, chunk, generated)
                ids += [new[row[:2]] for row in chunk]
            except UniqueViolation:  # this undoes the statement, and not the transaction
                there = self._find(table, columns, [row[:2] for row in chunk], generated)
                fresh = [row for row in chunk if row[:2] not in there]
                new = self._insert_and_find(table, columns, fresh, generated) if fresh else {}
                ids += [new.get(row[:2]) for row in chunk]
        return ids

    def _insert_and_find(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> dict[Row, int]:
        first = self._insert(table, columns, rows)
        # Read the ids back: MySQL does not promise that the ids of a statement are consecutive. The
        # result may include rows of other transactions.
        select = f"SELECT {columns[0]}, {columns[1]}, {generated} FROM {table} "
        found = self._connection.rows(select + f"WHERE {generated} >= %s", (first,))
        return {row[:2]: row[2] for row in found}

    def _insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], verb: str = "INSERT"
    ) -> int:
        """Returns the first generated id."""
        one = "(" + ",".join(["%s"] * len(columns)) + ")"
        sql = f"{verb} INTO {table} ({','.join(columns)}) VALUES {','.join([one] * len(rows))}"
        return int(self._connection.run(sql, list(chain.from_iterable(rows))).lastrowid or 0)

    def _find(
        self, table: str, columns: Sequence[str], keys: Sequence[Row], generated: str
    ) -> dict[Row, int]:
        where = _any_of((columns[0], columns[1]), len(keys))
        select = f"SELECT {columns[0]}, {columns[1]}, {generated} FROM {table} WHERE {where}"
        found = self._connection.rows(select, list(chain.from_iterable(keys)))
        return {row[:2]: row[2] for row in found}

    def delete_pairs(self, table: str, columns: tuple[str, str], pairs: Sequence[Row]) -> None:
        for chunk in _chunks(pairs, self._characters):
            where = _any_of(columns, len(chunk))
            self._connection.run(
                f"DELETE FROM {table} WHERE {where}", list(chain.from_iterable(chunk))
            )


@lru_cache(maxsize=1024)
def _percent(sql: str) -> str:
    """The SQL with the driver's placeholders. In our SQL each ``?`` is a placeholder."""
    return sql.replace("%", "%%").replace("?", "%s")


def _any_of(columns: tuple[str, str], count: int) -> str:
    """A condition for one of ``count`` pairs.

    All servers use the index for this form. Some do not for ``(a, b) IN ((?, ?), …)``.
    """
    return " OR ".join([f"({columns[0]} = %s AND {columns[1]} = %s)"] * count)


def _chunks(rows: Sequence[Row], characters: int) -> Iterator[Sequence[Row]]:
    start = size = 0
    for end, row in enumerate(rows):
        length = sum([len(value) for value in row if type(value) is str])
        if end > start and (end - start == ROWS or size + length > characters):
            yield rows[start:end]
            start, size = end, 0
        size += length
    if start < len(rows):
        yield rows[start:]
