"""MysqlTransaction: the inside of a transaction on MySQL or MariaDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from chat.storage.base import Row, Transaction, UniqueViolation
from chat.storage.mysql.connection import MysqlConnection

ROWS = 200
BYTES_PER_CHARACTER = 8
"""Of a text in a statement, in the worst case: escaped, four bytes, and a part for the rest."""

CHARACTERS = 512 * 1024
"""Characters of the longest multi-row statement; fewer with ``max_allowed_packet`` = 1M."""


class MysqlTransaction(Transaction):
    """The inside of a transaction on a connection."""

    for_update = " FOR UPDATE"
    for_share = " LOCK IN SHARE MODE"
    clock = "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)"

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

    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        """The caller has locked something that keeps others from inserting the same keys."""
        ids: list[int | None] = []
        for chunk in _chunks(rows, self._characters):
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
        for chunk in _chunks(pairs, self._characters):
            where = _any_of(columns, len(chunk))
            self._connection.run(f"DELETE FROM {table} WHERE {where}", _flatten(chunk))


@lru_cache(maxsize=1024)
def _percent(sql: str) -> str:
    """Our placeholders as the driver's. There is no ``?`` in our SQL but as placeholder."""
    return sql.replace("%", "%%").replace("?", "%s")


def _any_of(columns: tuple[str, str], count: int) -> str:
    """One of so many pairs. Every server uses the index for this; not so for row constructors."""
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


def _flatten(rows: Sequence[Row]) -> list[object]:
    return [value for row in rows for value in row]
