"""NameModel: the hashes that tell which names of users or groups look alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chat.storage.base import Row, Transaction, placeholders


class Named(NamedTuple):
    """A table whose rows have names."""

    table: str
    column: str


USERS = Named("user", "name")
GROUPS = Named("allgroup", "groupname")

HASHES = ("folded", "skeleton")
"""The columns; each is unique, and NULL where there is none."""


class NameModel:
    """The names of one table. One transaction's; worker or writer thread."""

    def __init__(self, tx: Transaction, named: Named) -> None:
        self._tx = tx
        self._table, self._name = named

    def exists(self, names: Sequence[str]) -> bool:
        """Has a row one of exactly these names?"""
        sql = f"SELECT 1 FROM {self._table} WHERE {self._name} IN {placeholders(len(names))}"
        return bool(self._tx.query(sql, names))

    def after(self, row_id: int, limit: int) -> list[Row]:
        """The next rows behind this id: pairs (id, name)."""
        sql = f"SELECT id, {self._name} FROM {self._table} WHERE id > ? ORDER BY id LIMIT ?"
        return self._tx.query(sql, (row_id, limit))

    def unhashed_after(self, row_id: int, limit: int) -> list[Row]:
        """The next rows without skeleton behind this id: pairs (id, name)."""
        return self._tx.query(
            f"SELECT id, {self._name} FROM {self._table} "
            "WHERE skeleton IS NULL AND id > ? ORDER BY id LIMIT ?",
            (row_id, limit),
        )

    def holders(self, column: str, hashes: Iterable[str]) -> dict[str, int]:
        """Which rows hold these hashes: id by hash."""
        wanted = list(hashes)
        sql = f"SELECT {column}, id FROM {self._table} WHERE {column} IN "
        return dict(self._tx.query(sql + placeholders(len(wanted)), wanted))

    def set_hashes(self, rows: Sequence[tuple[int, str | None, str | None]]) -> None:
        """Set both hashes of some rows: (id, folded, skeleton). At most a hundred.

        One statement, because each one costs SQLite's writer a wait for the interpreter. Raises
        UniqueViolation.
        """
        case = "CASE id " + "WHEN ? THEN ? " * len(rows) + "END"
        params: list[object] = []
        for place in (1, 2):
            for row in rows:
                params += (row[0], row[place])
        self._tx.execute(
            f"UPDATE {self._table} SET folded = {case}, skeleton = {case} "
            f"WHERE id IN {placeholders(len(rows))}",
            (*params, *(row[0] for row in rows)),
        )
