"""Conformance of the storage port: lists of values, at the borders of the parts."""

from __future__ import annotations

import pytest

from chat.storage import Database, Transaction
from chat.storage.base import IN_LIST

SIZES = (0, 1, IN_LIST - 1, IN_LIST, IN_LIST + 1, 2 * IN_LIST + 1)
PAIR = ("userid", "seq")


def fill(database: Database, count: int) -> None:
    rows = [(number, 7) for number in range(count)] + [(number, 8) for number in range(count)]
    database.write(lambda tx: tx.insert_rows("offlinemessage", PAIR, sorted(rows)))


@pytest.mark.parametrize("size", SIZES)
def test_query_in(database: Database, size: int) -> None:
    """The other parameters go with each part, and the parts come in the order of the values."""
    fill(database, size + 1)

    def work(tx: Transaction) -> list[tuple[int, ...]]:
        return tx.query_in(
            "SELECT userid, seq FROM offlinemessage WHERE seq = ? AND userid IN :ids "
            "AND userid < ? ORDER BY userid",
            range(size),
            before=(7,),
            after=(2**31,),
        )

    assert database.read(work) == [(number, 7) for number in range(size)]


@pytest.mark.parametrize("size", SIZES)
def test_execute_in(database: Database, size: int) -> None:
    fill(database, size + 1)
    changed = database.write(
        lambda tx: tx.execute_in(
            "DELETE FROM offlinemessage WHERE userid IN :ids AND seq = ?", range(size), after=(8,)
        )
    )
    assert changed == size
    left = database.read(
        lambda tx: tx.query("SELECT userid FROM offlinemessage WHERE seq = 8 ORDER BY userid")
    )
    assert left == [(size,)]
