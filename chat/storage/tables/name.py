"""NameModel: the names in ``user`` or ``allgroup``, and their hashes.

Two names that look alike have an equal hash: see ``chat.names.name_hash``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chat.storage.base import Row, Transaction


class Named(NamedTuple):
    """A table whose rows have names."""

    table: str
    column: str


USERS = Named("user", "name")
GROUPS = Named("allgroup", "groupname")

HASHES = ("folded", "skeleton")
"""The columns of the hashes. Each is unique; NULL: no hash."""


class NameModel:
    """The names of one table, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction, named: Named) -> None:
        self._tx = tx
        self._table, self._name = named

    def exists(self, names: Sequence[str]) -> bool:
        """Does a row have exactly one of these names?"""
        sql = f"SELECT 1 FROM {self._table} WHERE {self._name} IN :ids"
        return bool(self._tx.query_in(sql, names))

    def after(self, row_id: int, limit: int) -> list[Row]:
        """The next rows after this id: pairs (id, name)."""
        sql = f"SELECT id, {self._name} FROM {self._table} WHERE id > ? ORDER BY id LIMIT ?"
        return self._tx.query(sql, (row_id, limit))

    def unhashed_after(self, row_id: int, limit: int) -> list[Row]:
        """The next rows after this id that have no skeleton: pairs (id, name)."""
        return self._tx.query(
            f"SELECT id, {self._name} FROM {self._table} "
            "WHERE skeleton IS NULL AND id > ? ORDER BY id LIMIT ?",
            (row_id, limit),
        )

    def holders(self, column: str, hashes: Iterable[str]) -> dict[str, int]:
        """The ids of the rows that hold these hashes, by hash."""
        sql = f"SELECT {column}, id FROM {self._table} WHERE {column} IN :ids"
        return dict(self._tx.query_in(sql, list(hashes)))

    def set_hashes(self, rows: Sequence[tuple[int, str | None, str | None]]) -> None:
        """Set both hashes of some rows: (id, folded, skeleton). At most a hundred rows.

        It is one statement, because each statement costs SQLite's writer a wait for the GIL.
        Raises UniqueViolation.
        """
        case = "CASE id " + "WHEN ? THEN ? " * len(rows) + "END"
        params: list[object] = []
        for place in (1, 2):
            for row in rows:
                params += (row[0], row[place])
        self._tx.execute_in(
            f"UPDATE {self._table} SET folded = {case}, skeleton = {case} WHERE id IN :ids",
            [row[0] for row in rows],
            before=params,
        )
